/** Selects the rows that count today: expired ones do not, and while removals are suspended nothing may shrink. */

import type { Day, Email, Ledger, LedgerEntry, OsUser, Policy, Roster, Row, UserMap } from "../model.ts";
import { sorted } from "../text/code-unit-order.ts";
import { TIERS } from "../tiers.ts";
import { emailOf } from "../user-map.ts";

/** A row whose optional values are settled as far as roster and user map can settle them. */
export interface CurrentRow extends Row {
  readonly host: NonNullable<Row["host"]>;
}

export interface RowsInput {
  readonly roster: Roster;
  /** `unread` where a preview goes on without Vault: then what the ledger knows stands in. */
  readonly userMap: UserMap | "unread" | undefined;
  readonly policy: Policy;
  readonly today: Day;
}

/** The rows of people who have access on this day; `past` is the ledger with renames done. */
export function currentRows(
  { roster, userMap, policy, today }: RowsInput,
  past: Ledger["people"],
): ReadonlyMap<OsUser, CurrentRow> {
  const current = new Map<OsUser, CurrentRow>();
  for (const [osUser, row] of roster.rows) {
    if (isOver(row, today)) continue;
    const [firstHost] = policy.hosts;
    const host = row.host ?? firstHost;
    if (host === undefined) throw new Error("a policy without hosts was not checked: checkPolicy");
    const entry = past.get(osUser);
    const email = userMap === "unread" ? (row.email ?? entry?.email) : emailOf(row, userMap);
    const known = userMap === "unread" ? undefined : userMap?.entries.get(row.k8sUser);
    const quota = { ...(userMap === "unread" ? entry?.quota : {}), ...known?.quota, ...row.quota };
    current.set(osUser, { ...withEmail(row, email), host, quota });
  }
  return current;
}

/** Whether the last day of access has passed (`until`). */
export const isOver = (row: Row, today: Day): boolean => row.until !== undefined && row.until < today;

const withEmail = (row: Row, email: Email | undefined): Row => {
  const { email: _ofTheRow, ...rest } = row;
  return email === undefined ? rest : { ...rest, email };
};

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
