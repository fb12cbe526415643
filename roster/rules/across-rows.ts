/** Checks several rows together: names that are given twice, and names that would collide elsewhere. */

import { dashboardAccount } from "../object-names.ts";
import type { K8sUser } from "../model.ts";
import { folded } from "../text/code-unit-order.ts";
import { describeKey, quote } from "../text/quote.ts";
import type { Path } from "../text/tree-values.ts";
import { type Finding, inRow } from "./finding.ts";
import { isMap } from "./one-row.ts";

export type RawRows = ReadonlyMap<string, unknown>;

/** Compares every row with all the others, in the order of the file. Rows may be of any shape. */
export function checkTogether(rows: RawRows): readonly Finding[] {
  return [
    ...IDENTITIES.flatMap((identity) => givenTwice(rows, identity)),
    ...namespaceFindings(rows),
    ...renameFindings(rows),
  ];
}

interface Identity {
  readonly path: Path;
  /** Two of them are the same when this is the same. */
  readonly same: (value: string) => string;
  readonly because: string;
}

const IDENTITIES: readonly Identity[] = [
  { path: ["authentik_user"], same: folded, because: "one login is one person, upper and lower case alike" },
  { path: ["k8s_user"], same: folded, because: "object names and Vault paths are built from it" },
  { path: ["email"], same: folded, because: "the cluster would take the two for one person" },
  { path: ["forgejo", "login"], same: folded, because: "Forgejo takes upper and lower case for the same login" },
  { path: ["previously", "os_user"], same: folded, because: "one account cannot become two people" },
  { path: ["previously", "k8s_user"], same: folded, because: "one identity in Vault cannot become two people's" },
  { path: ["previously", "authentik_user"], same: folded, because: "one login cannot be renamed to two" },
  { path: ["previously", "email"], same: folded, because: "one address cannot be renamed to two" },
  { path: ["previously", "forgejo_login"], same: folded, because: "one forge account cannot be renamed to two" },
];

function givenTwice(rows: RawRows, { path, same, because }: Identity): Finding[] {
  const first = new Map<string, { readonly user: string; readonly value: string }>();
  const findings: Finding[] = [];
  for (const [user, row] of rows) {
    const value = path.reduce<unknown>((here, step) => (isMap(here) ? here[step] : undefined), row);
    if (typeof value !== "string") continue;
    const earlier = first.get(same(value));
    if (earlier === undefined) first.set(same(value), { user, value });
    else {
      const as = earlier.value === value ? "" : ` (as ${quote(earlier.value)})`;
      findings.push(
        inRow(
          user,
          path,
          `${quote(value)} is already ${describeKey(earlier.user)}'s${as}; ${because}, so give each their own`,
        ),
      );
    }
  }
  return findings;
}

function namespaceFindings(rows: RawRows): Finding[] {
  const owners = new Map<string, string>();
  const holders = new Map<string, string>();
  for (const [user, row] of rows) {
    const k8sUser = isMap(row) ? row.k8s_user : undefined;
    if (typeof k8sUser !== "string") continue;
    for (const name of [k8sUser, dashboardAccount(k8sUser as K8sUser)]) if (!holders.has(name)) holders.set(name, user);
  }
  const findings: Finding[] = [];
  for (const [user, row] of rows) {
    const namespaces = isMap(row) ? row.namespaces : undefined;
    if (!Array.isArray(namespaces)) continue;
    for (const [index, name] of namespaces.entries()) {
      if (typeof name !== "string") continue;
      const owner = owners.get(name);
      const holder = holders.get(name);
      if (owner === undefined) owners.set(name, user);
      else if (owner !== user) {
        findings.push(
          inRow(
            user,
            ["namespaces", index],
            `${quote(name)} is already ${describeKey(owner)}'s; a namespace belongs to one owner only, so remove it from one of the two`,
          ),
        );
      }
      if (holder !== undefined && holder !== user) {
        findings.push(
          inRow(
            user,
            ["namespaces", index],
            `${quote(name)} is a name that ${describeKey(holder)}'s k8s_user claims; objects and Vault paths would meet there, so choose another`,
          ),
        );
      }
    }
  }
  return findings;
}

function renameFindings(rows: RawRows): Finding[] {
  const findings: Finding[] = [];
  const k8sUsers = new Map<unknown, string>();
  for (const [user, row] of rows) {
    const k8sUser = isMap(row) ? row.k8s_user : undefined;
    if (typeof k8sUser === "string" && !k8sUsers.has(folded(k8sUser))) k8sUsers.set(folded(k8sUser), user);
  }
  for (const [user, row] of rows) {
    const previously = isMap(row) ? row.previously : undefined;
    if (!isMap(previously)) continue;
    const { os_user: osUser, k8s_user: k8sUser } = previously;
    if (typeof osUser === "string" && osUser !== user && rows.has(osUser)) {
      findings.push(
        inRow(
          user,
          ["previously", "os_user"],
          `${quote(osUser)} is still on the roster; a renamed person has one row, so remove the old row or this line`,
        ),
      );
    }
    const holder = typeof k8sUser === "string" ? k8sUsers.get(folded(k8sUser)) : undefined;
    if (holder !== undefined && holder !== user) {
      findings.push(
        inRow(
          user,
          ["previously", "k8s_user"],
          `${quote(String(k8sUser))} is ${describeKey(holder)}'s k8s_user, and one identity in Vault cannot be both people's; ` +
            `correct this line, or give ${describeKey(holder)} another k8s_user`,
        ),
      );
    }
  }
  return findings;
}
