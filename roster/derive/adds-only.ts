/** Puts back into the rows what would be taken from somebody, while removals are suspended (`addsOnly`). */

import type { Ledger, LedgerEntry, OsUser } from "../model.ts";
import { sorted } from "../text/code-unit-order.ts";
import { TIERS } from "../tiers.ts";
import { type CurrentRow, withEmail } from "./expire-rows.ts";

/** The same rows with everything that would be taken from somebody put back (`addsOnly`). */
export function withoutRemovals(
  rows: ReadonlyMap<OsUser, CurrentRow>,
  past: Ledger["people"],
): ReadonlyMap<OsUser, CurrentRow> {
  const previousRows = new Map<OsUser, CurrentRow>();
  for (const [osUser, row] of rows) {
    const entry = past.get(osUser);
    previousRows.set(osUser, entry === undefined || entry.leftOn !== undefined ? row : larger(row, entry));
  }
  for (const [osUser, entry] of past) {
    if (!previousRows.has(osUser) && entry.leftOn === undefined) previousRows.set(osUser, rowOfEntry(osUser, entry));
  }
  return previousRows;
}

function larger(row: CurrentRow, entry: LedgerEntry): CurrentRow {
  const before = rowOfEntry(row.osUser, entry);
  const tier = TIERS[row.tier].rank < TIERS[entry.tier].rank ? entry.tier : row.tier;
  const renamed = row.previously;
  const keepsLogin =
    before.forgejo !== undefined &&
    row.forgejo?.login !== before.forgejo.login &&
    renamed.forgejoLogin !== before.forgejo.login;
  const forgejo = keepsLogin ? before.forgejo : row.forgejo;
  const email = before.email === undefined || renamed.email === before.email ? row.email : before.email;
  return {
    ...withEmail(row, email),
    tier,
    namespaces: TIERS[tier].administers ? [] : sorted([...row.namespaces, ...entry.namespaces]),
    authentikUser: renamed.authentikUser === entry.authentikUser ? row.authentikUser : entry.authentikUser,
    k8sUser: renamed.k8sUser === entry.k8sUser ? row.k8sUser : entry.k8sUser,
    host: before.host,
    quota: row.quota,
    ...(forgejo === undefined ? {} : { forgejo: { login: forgejo.login, push: forgejo.push || entry.push } }),
  };
}

function rowOfEntry(osUser: OsUser, entry: LedgerEntry): CurrentRow {
  const [host] = entry.hosts;
  if (host === undefined) throw new Error(`the ledger's entry of ${osUser} has no host: loadLedger`);
  const { authentikUser, k8sUser, tier, namespaces, layout, repos, parked, claudeAuth, limits, quota, email } = entry;
  return {
    ...{ osUser, authentikUser, k8sUser, tier, namespaces, layout, repos, parked, claudeAuth, limits, quota, host },
    previously: {},
    ...(email === undefined ? {} : { email }),
    ...(entry.forgejoLogin === undefined ? {} : { forgejo: { login: entry.forgejoLogin, push: entry.push } }),
  };
}
