/** Tests that no two resources of a desired state have one URN, and that no alias meets another resource. */

import * as pulumi from "@pulumi/pulumi";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Desired } from "../../roster/model.ts";
import { deployCluster } from "../../stacks/cluster.ts";
import { deployForgejo } from "../../stacks/forgejo.ts";
import { deployVault } from "../../stacks/vault.ts";
import { rawOf, settings } from "../config/raw-config.ts";
import { derived, rosterOf, row, tried } from "../roster/support.ts";

const sectionOf = (name: string) => JSON.parse(rawOf("Pulumi.prod.yaml")[`workstation:${name}`] ?? "") as object;
const { cluster, vault, forgejo, devvm } = settings({
  ...{ cluster: sectionOf("cluster"), forgejo: { username: "ops" } },
  vault: { address: "https://vault.test", workstationTokens: {} },
});

interface Declared {
  readonly urn: string;
  readonly aliases: readonly string[];
}

/** Of the SDK, which keeps both out of its types. */
type Known = pulumi.Resource & { readonly __name: string; readonly __aliases?: readonly pulumi.Output<string>[] };
const { allAliases } = pulumi as unknown as {
  readonly allAliases: (
    own: readonly unknown[],
    name: string,
    type: string,
    ...parent: readonly [resource: pulumi.Resource, name: string]
  ) => readonly pulumi.Output<string>[];
};
const textOf = (output: pulumi.Output<string>) => new Promise<string>((resolve) => output.apply(resolve));

/** Declares everything whose names follow from the roster's, as a run does. */
async function declared(desired: Desired): Promise<readonly Declared[]> {
  const found: pulumi.ResourceTransformationArgs[] = [];
  const mocks: pulumi.runtime.Mocks = {
    call: () => ({ server: "", version: "", collaborators: [], rules: [], effectiveRule: "", writableDeployKeys: [] }),
    newResource: ({ name, inputs }) => ({ id: name, state: inputs as object }),
  };
  await pulumi.runtime.setMocks(mocks, "workstation", "test", true);
  await pulumi.runtime.runInPulumiStack(async () => {
    pulumi.runtime.registerStackTransformation((args) => {
      found.push(args);
      return undefined;
    });
    if (forgejo !== undefined) await deployForgejo(forgejo, "-", devvm.repositories, desired);
    const formerBindings = new Set([...desired.ledger.people.values()].flatMap(({ namespaces }) => namespaces));
    if (cluster !== undefined)
      await deployCluster("-", desired, { ...cluster, apiServer: undefined }, { formerBindings });
    if (vault !== undefined) await deployVault(vault, "-", desired, () => true);
  });
  await pulumi.runtime.disconnect();
  return Promise.all(
    found.map(async ({ resource, name, type, opts: { parent, aliases } }) => {
      const own = (resource as Known).__aliases ?? [];
      // A child has an alias for each of its parent's, too.
      const all =
        parent === undefined
          ? own
          : allAliases((aliases ?? []) as unknown[], name, type, parent, (parent as Known).__name);
      return { urn: await textOf(resource.urn), aliases: await Promise.all(all.map(textOf)) };
    }),
  );
}

/** URNs that more than one resource has, as its own or as a former one; an alias of itself is no other. */
function doubled(resources: readonly Declared[]): readonly string[] {
  const holders = new Map<string, Set<string>>();
  const hold = (urn: string, by: string) => holders.set(urn, (holders.get(urn) ?? new Set()).add(by));
  for (const [i, { urn, aliases }] of resources.entries())
    for (const one of [urn, ...aliases]) hold(one, `${i} ${urn}`);
  return [...holders].flatMap(([urn, by]) => (by.size > 1 ? [urn] : []));
}

/** Names of which one begins or ends with another, joined by hyphens. */
const part = fc.constantFrom("a", "b", "owner", "pipelines", "team", "workstation", "token");
const name = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("-"));
const claude = fc
  .array(part, { minLength: 0, maxLength: 2 })
  .map((parts) => ["workstation-claude", ...parts].join("-"));
const k8sUsers = fc.uniqueArray(fc.oneof({ weight: 5, arbitrary: name }, claude), { minLength: 4, maxLength: 6 });
const drawn = fc.record({
  ...{ k8sUsers, osUsers: fc.uniqueArray(name, { minLength: 4, maxLength: 4 }) },
  namespaces: fc.uniqueArray(name, { minLength: 6, maxLength: 8 }),
  owned: fc.array(fc.nat(3), { minLength: 8, maxLength: 8 }),
  renamed: fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
  kept: fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
});

test("no two resources have one URN, and no alias is another resource's, whatever people and namespaces are called", async () => {
  let tries = 0;
  await fc.assert(
    fc.asyncProperty(drawn, async ({ k8sUsers: users, osUsers, namespaces, owned, renamed, kept }) => {
      const rows = (names: readonly string[], who: (i: number) => boolean, previously: boolean) =>
        osUsers.flatMap((osUser, i) => {
          const own = namespaces.filter((_, n) => owned[n] === i);
          const isNew = previously && renamed[i] === true;
          const more = `email: m${i}@x.org\nforgejo: {login: ${osUser}}${own.length === 0 ? "" : `\nnamespaces: [${own.join(", ")}]`}${isNew ? `\npreviously: {k8s_user: ${users[i]}}` : ""}`;
          const text = row(osUser, more, own.length === 0 ? "power-user" : "namespace-owner");
          return who(i) ? [text.replace(`k8s_user: ${osUser}\n`, `k8s_user: ${names[i]}\n`)] : [];
        });
      const admin = row("zed", "forgejo: {login: zed}", "admin");
      const stack = { removalLimit: 99 };
      const attempt = (...args: Parameters<typeof tried>) => {
        try {
          return tried(...args);
        } catch {
          return undefined;
        }
      };
      const first = attempt(rosterOf(admin, ...rows(users, () => true, false)), { stack });
      fc.pre(first?.ok === true);
      if (first?.ok !== true) return;
      const later = users.map((user, i) => (renamed[i] === true ? (users[4 + (i % 2)] ?? user) : user));
      const second = attempt(rosterOf(admin, ...rows(later, (i) => kept[i] === true, true)), {
        ...{ stack, ledger: first.desired.ledger, undelivered: first.undelivered },
      });
      tries += 1;
      for (const { desired } of [first, ...(second?.ok === true ? [second] : [])])
        expect(doubled(await declared(desired))).toEqual([]);
    }),
    { numRuns: process.env.CI === "true" ? 100 : 12 },
  );
  expect(tries).toBeGreaterThan(8);
}, 180_000);

test("a role's former name is one person's alone, or nobody's", async () => {
  const admin = row("zed", "forgejo: {login: zed}", "admin");
  const owner = (osUser: string, k8sUser: string, namespace: string) =>
    row(osUser, `email: ${osUser}@x.org\nnamespaces: [${namespace}]`, "namespace-owner").replace(
      `k8s_user: ${osUser}`,
      `k8s_user: ${k8sUser}`,
    );
  const aliasesOf = async (...rows: readonly string[]) => {
    const roles = (await declared(derived(rosterOf(admin, ...rows)).desired)).filter(({ urn }) =>
      urn.includes("Role::vault-"),
    );
    return roles.map(({ urn, aliases }) => [urn, ...aliases].map((one) => one.slice(one.lastIndexOf("::") + 2)));
  };
  const renamed = owner("dora", "data", "team-web\npreviously: {k8s_user: old}")
    .replace("web\n", "web]\n")
    .replace("}]", "}");
  const dora = owner("dora", "data", "team-web");
  expect(await aliasesOf(dora)).toEqual([["vault-data@team-web", "vault-data-team-web"]]);
  expect(await aliasesOf(renamed)).toEqual([
    ["vault-data@team-web", "vault-data-team-web", "vault-old@team-web", "vault-old-team-web"],
  ]);
  expect(await aliasesOf(dora, owner("tim", "data-team", "web"))).toEqual([
    ["vault-data@team-web"],
    ["vault-data-team@web"],
  ]);
});
