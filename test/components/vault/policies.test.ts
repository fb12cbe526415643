/** No policy path of one person ever covers a path of another, and no two people share a name. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { deployerRoleName, ownerPolicyName, workstationPolicyName } from "../../../components/vault/names.ts";
import { ownerPolicy, programPolicy, workstationPolicy } from "../../../components/vault/policies.ts";
import type { K8sUser, Namespace, OsUser } from "../../../roster/model.ts";

/** Names that resemble each other, since those are the ones that a careless policy mixes up. */
const k8sUser = fc
  .stringMatching(/^[ab][ab-]{0,3}[ab]$|^[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?$/)
  .map((name) => name as K8sUser);
const osUser = fc.stringMatching(/^[a_][ab_-]{0,3}$|^[a-z_][a-z0-9_-]{0,20}$/).map((name) => name as OsUser);

const pathsOf = (policy: string): string[] =>
  [...policy.matchAll(/^path "([^"]*)" \{$/gm)].map((match) => match[1] ?? "");

/** Vault's own rule: a final `*` covers everything that begins so; anything else is exactly itself. */
const covers = (path: string, other: string): boolean =>
  path.endsWith("*") ? other.startsWith(path.slice(0, -1)) : path === other;

test("every path of an owner's policy begins with their own, and has no wildcard but a final /*", () => {
  fc.assert(
    fc.property(k8sUser, (who) => {
      const paths = pathsOf(ownerPolicy("secret", who));
      expect(paths).toHaveLength(4);
      for (const path of paths) {
        const own = path === `secret/data/${who}` || path === `secret/metadata/${who}`;
        const below = path === `secret/data/${who}/*` || path === `secret/metadata/${who}/*`;
        expect([path, own || below]).toEqual([path, true]);
        expect(path.replace(/\/\*$/, "")).not.toMatch(/[*+]/);
      }
    }),
  );
});

test("no path of one person covers a path of another, nor anything below it", () => {
  fc.assert(
    fc.property(k8sUser, k8sUser, osUser, osUser, (a, b, osA, osB) => {
      fc.pre(a !== b && osA !== osB && !["workstation", "platform"].includes(a));
      const mine = [...pathsOf(ownerPolicy("secret", a)), ...pathsOf(workstationPolicy("secret", osA))];
      const theirs = [...pathsOf(ownerPolicy("secret", b)), ...pathsOf(workstationPolicy("secret", osB))]
        .filter((path) => !path.startsWith("auth/token/"))
        .flatMap((path) => [
          path.replace(/\/\*$/, ""),
          path.replace(/\*$/, "x"),
          `${path.replace(/\/\*$/, "")}/platform`,
        ]);
      const reached = mine.flatMap((path) => theirs.filter((other) => covers(path, other)));
      expect(reached).toEqual([]);
    }),
    { numRuns: 2000 },
  );
});

test("a careless policy would be caught: the check finds what a bare star opens", () => {
  expect(covers("secret/data/ana*", "secret/data/anab/app")).toBe(true);
  expect(covers("secret/data/ana/*", "secret/data/anab/app")).toBe(false);
});

test("no two people, and no two namespaces, ever share a name in Vault", () => {
  fc.assert(
    fc.property(k8sUser, k8sUser, osUser, osUser, (a, b, osA, osB) => {
      fc.pre(a !== b && osA !== osB);
      const names = [ownerPolicyName(a), ownerPolicyName(b), workstationPolicyName(osA), workstationPolicyName(osB)];
      expect(new Set(names).size).toBe(4);
      expect(deployerRoleName(a as string as Namespace)).not.toBe(deployerRoleName(b as string as Namespace));
    }),
  );
});

test("the policies read as an operator would write them", () => {
  expect(ownerPolicy("secret", "anca" as K8sUser)).toMatchInlineSnapshot(`
    "path "secret/data/anca" {
      capabilities = ["create", "read", "update", "patch", "delete"]
    }

    path "secret/data/anca/*" {
      capabilities = ["create", "read", "update", "patch", "delete"]
    }

    path "secret/metadata/anca" {
      capabilities = ["list", "read", "delete"]
    }

    path "secret/metadata/anca/*" {
      capabilities = ["list", "read", "delete"]
    }
    "
  `);
  expect(workstationPolicy("secret", "ancamilea" as OsUser)).toMatchInlineSnapshot(`
    "path "secret/data/workstation/claude-users/ancamilea" {
      capabilities = ["create", "read", "update"]
    }

    path "auth/token/lookup-self" {
      capabilities = ["read"]
    }

    path "auth/token/renew-self" {
      capabilities = ["update"]
    }
    "
  `);
});

test("the program's own policy opens nobody's secrets, and no policy but its own kinds", () => {
  const text = programPolicy({ kv: "secret", kubernetes: "kubernetes", userMap: "platform" });
  const opened = [
    "secret/data/anca",
    "secret/metadata/anca",
    "sys/policies/acl/root",
    "sys/policies/acl/workstation-program",
  ];
  expect(pathsOf(text).flatMap((path) => opened.filter((secret) => covers(path, secret)))).toEqual([]);
});
