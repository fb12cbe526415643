/**
 * Finds names of the roster that an offboarded user still holds: a warning where nothing is at stake, an error where a
 * secret is.
 */

import type { LedgerEntry, OsUser, Problem, Roster } from "../model.ts";
import { problemInRoster } from "../load.ts";
import { inRow, warningInRow } from "../rules/finding.ts";
import { folded } from "../text/code-unit-order.ts";
import type { RenamedLedger } from "./renames.ts";
import type { CurrentRow } from "./expire-rows.ts";

/** Compares everybody who is new, or has a new name, with those who left. */
export function conflictsWithOffboarded(
  roster: Roster,
  past: RenamedLedger,
  rows: ReadonlyMap<OsUser, CurrentRow>,
): readonly Problem[] {
  const gone = [...past.people].filter(([user]) => !rows.has(user));
  const returning = gone.filter(([, entry]) => entry.removedOn === undefined);
  const byLogin = byFolded(returning, (entry) => entry.authentikUser);
  const byK8sUser = byFolded(gone, (entry) => entry.k8sUser);
  const byNamespace = new Map(
    gone.flatMap(([user, entry]) => entry.namespaces.map((name) => [name as string, user] as const)),
  );
  return [...roster.rows.values()].flatMap((row) => {
    const own = rows.get(row.osUser);
    if (own === undefined) return [];
    const problems: Problem[] = [];
    const sameLogin = byLogin.get(folded(row.authentikUser));
    const sameK8sUser = byK8sUser.get(folded(row.k8sUser));
    const isNew = !past.people.has(row.osUser);
    if (sameLogin !== undefined) {
      const way = isNew
        ? `; if ${row.osUser} is ${sameLogin} under a new name, write previously: {os_user: ${sameLogin}} and nothing is lost`
        : "";
      const message = `"${row.authentikUser}" was the login of ${sameLogin}, an offboarded user whose ports and account are kept for a return${way}`;
      problems.push(problemInRoster(roster, warningInRow(row.osUser, ["authentik_user"], message)));
    }
    if (sameK8sUser !== undefined && sameK8sUser !== sameLogin) {
      const message =
        `"${row.k8sUser}" was ${sameK8sUser}'s, whose secrets in Vault are kept below that name; choose another` +
        `, or write previously: {os_user: ${sameK8sUser}} if the two are one person`;
      problems.push(problemInRoster(roster, inRow(row.osUser, ["k8s_user"], message)));
    }
    for (const [index, namespace] of row.namespaces.entries()) {
      const former = byNamespace.get(namespace);
      if (former === undefined) continue;
      const message = `"${namespace}" belonged to ${former}, an offboarded user; ${row.osUser} takes it over with everything in it`;
      problems.push(problemInRoster(roster, warningInRow(row.osUser, ["namespaces", index], message)));
    }
    return problems;
  });
}

/**
 * A former `k8s_user` that the ledger knows as somebody else's: the identity in Vault that goes by it is theirs, and a rename
 * would take it over.
 */
export function formerNamesOfOthers(
  roster: Roster,
  past: RenamedLedger,
  rows: ReadonlyMap<OsUser, CurrentRow>,
): readonly Problem[] {
  const holders = byFolded([...past.people], (entry) => entry.k8sUser);
  return [...rows.values()].flatMap(({ osUser, previously: { k8sUser: former } }) => {
    const holder = former === undefined ? undefined : holders.get(folded(former));
    if (holder === undefined || holder === osUser) return [];
    const isOneRow = past.people.has(osUser) || roster.rows.has(holder);
    const rename = isOneRow ? "" : `, or write previously: {os_user: ${holder}} as well if the two are one person`;
    const message = `"${former}" was ${holder}'s, whose identity in Vault goes by it; correct this line or remove it${rename}`;
    return [problemInRoster(roster, inRow(osUser, ["previously", "k8s_user"], message))];
  });
}

const byFolded = (
  people: readonly (readonly [OsUser, LedgerEntry])[],
  name: (entry: LedgerEntry) => string,
): ReadonlyMap<string, OsUser> => new Map(people.map(([user, entry]) => [folded(name(entry)), user]));

/** While removals are suspended, somebody held back may still have what another's row already asks for. */
export function doubledIdentities(roster: Roster, rows: ReadonlyMap<OsUser, CurrentRow>): readonly Problem[] {
  const holders = new Map<string, OsUser>();
  const problems: Problem[] = [];
  // Those without a row have no place to point at, so they come first and the other's row is named.
  const place = (row: CurrentRow) => (roster.rows.has(row.osUser) ? 1 : 0);
  for (const row of [...rows.values()].sort((a, b) => place(a) - place(b))) {
    const names = [
      ["authentik_user", `the login "${folded(row.authentikUser)}"`],
      ["k8s_user", `the k8s_user "${row.k8sUser}"`],
      ["email", row.email === undefined ? undefined : `the e-mail "${folded(row.email)}"`],
      ["forgejo", row.forgejo === undefined ? undefined : `the Forgejo login "${folded(row.forgejo.login)}"`],
      ...row.namespaces.map((name) => ["namespaces", `the namespace "${name}"`] as const),
    ] as const;
    for (const [field, name] of names) {
      if (name === undefined) continue;
      const holder = holders.get(name);
      if (holder === undefined) holders.set(name, row.osUser);
      else if (holder !== row.osUser) {
        const message = `${name} stays ${holder}'s while addsOnly suspends removals; deploy this change after switching addsOnly off`;
        problems.push(problemInRoster(roster, inRow(row.osUser, [field], message)));
      }
    }
  }
  return problems;
}
