/** Rosters that could be real, weighted to names that break careless code, and what happens to them over time. */

import fc from "fast-check";
import { stringify } from "yaml";

/** A row as it is written; `null` prototype maps are not needed, since keys never come from these names. */
export interface Plain {
  readonly osUser: string;
  readonly authentik_user: string;
  readonly k8s_user: string;
  readonly tier: "admin" | "power-user" | "namespace-owner";
  readonly namespaces: readonly string[];
  readonly email: string | undefined;
  readonly workspace: boolean;
  readonly repos: readonly string[];
  readonly forgejo: { readonly login: string; readonly push: boolean } | undefined;
  readonly parked: boolean;
  readonly claude_auth: boolean;
}

const edgeNames = [
  "a",
  "__proto__",
  "constructor",
  "_",
  "x-",
  "x_",
  "to_string",
  "valueof",
  "a".repeat(32),
  "hasownproperty",
];

const osName = fc.oneof(
  { weight: 1, arbitrary: fc.constantFrom(...edgeNames) },
  { weight: 4, arbitrary: fc.stringMatching(/^[b-s][a-z0-9_-]{1,9}[0-9]$/) },
);

const one = (osUser: string): fc.Arbitrary<Plain> =>
  fc
    .record({
      tier: fc.constantFrom("admin" as const, "power-user" as const, "namespace-owner" as const),
      spaces: fc.integer({ min: 1, max: 3 }),
      hasEmail: fc.boolean(),
      workspace: fc.boolean(),
      repos: fc.uniqueArray(fc.constantFrom("tripit", "site", "a.b", "con"), { maxLength: 3 }),
      push: fc.option(fc.boolean(), { nil: undefined }),
      parked: fc.boolean(),
      claude_auth: fc.boolean(),
    })
    .map(({ tier, spaces, hasEmail, workspace, repos, push, parked, claude_auth }) => {
      // Names of one person that differ and are never derived from each other: a hash of sorts keeps them unique.
      const slug = [...osUser]
        .map((letter) => (letter.codePointAt(0) ?? 0).toString(36))
        .join("")
        .slice(0, 40);
      const login = osUser === "constructor" ? "constructor" : `L${slug}`;
      return {
        osUser,
        authentik_user: login,
        k8s_user: `k${slug}`,
        tier,
        namespaces: tier === "namespace-owner" ? Array.from({ length: spaces }, (_, index) => `n${index}-${slug}`) : [],
        email: hasEmail ? `m${slug}@example.org` : undefined,
        workspace,
        repos: workspace ? repos : [],
        forgejo: push === undefined ? undefined : { login: `F${slug.slice(0, 38)}`, push },
        parked,
        claude_auth,
      };
    });

/** Up to `maxLength` people with different names; always a valid roster. */
export const people = (maxLength = 12): fc.Arbitrary<readonly Plain[]> =>
  fc.uniqueArray(osName, { maxLength }).chain((names) => fc.tuple(...names.map(one)));

/** A sequence of rosters: each is drawn from the same pool, so that people leave, return and change. */
export const history: fc.Arbitrary<readonly (readonly Plain[])[]> = fc
  .uniqueArray(osName, { minLength: 1, maxLength: 9 })
  .chain((names) =>
    fc.array(
      fc.subarray(names).chain((present) => fc.tuple(...present.map(one))),
      { minLength: 1, maxLength: 8 },
    ),
  );

export function yamlOf(people: readonly Plain[]): string {
  const users = new Map(
    people.map(({ osUser, workspace, ...row }) => [
      osUser,
      {
        ...row,
        ...(row.email === undefined ? { email: undefined } : {}),
        code_layout: workspace ? "workspace" : undefined,
        repos: row.repos.length > 0 ? row.repos : undefined,
      },
    ]),
  );
  return stringify({ users }, { keepUndefined: false });
}
