/** Puts back into the rows what would be taken while removals are suspended (`addsOnly`), and finds removals that are pending. */

import {
  holdersOf,
  type HoldersOfRun,
  type Identities,
  type IdentityKind,
  isRename,
} from "../changes/identity-holders.ts";
import { problemInRoster } from "../load.ts";
import type { HostName, Ledger, LedgerEntry, OsUser, Problem, Roster, Tier } from "../model.ts";
import { sorted } from "../text/code-unit-order.ts";
import { TIERS } from "../tiers.ts";
import { surfacesWithAccess, type Undelivered } from "../undelivered-changes.ts";
import { type CurrentRow, withEmail } from "./expire-rows.ts";
import type { RenamedLedger } from "./renames.ts";

/** The same rows with everything that would be taken from somebody put back (`addsOnly`). */
export function withoutRemovals(
  rows: ReadonlyMap<OsUser, CurrentRow>,
  past: Ledger["people"],
): ReadonlyMap<OsUser, CurrentRow> {
  const previousRows = new Map<OsUser, CurrentRow>();
  const after = [...rows].map(([osUser, row]) => [osUser, identitiesOf(row)] as const);
  const holders = { before: holdersOf(past), after: holdersOf(after) };
  for (const [osUser, row] of rows) {
    const entry = past.get(osUser);
    previousRows.set(osUser, entry === undefined || entry.leftOn !== undefined ? row : larger(row, entry, holders));
  }
  for (const [osUser, entry] of past) {
    if (!previousRows.has(osUser) && entry.leftOn === undefined) previousRows.set(osUser, rowOfEntry(osUser, entry));
  }
  return previousRows;
}

const identitiesOf = (row: CurrentRow): Identities => ({
  authentikUser: row.authentikUser,
  k8sUser: row.k8sUser,
  ...(row.email === undefined ? {} : { email: row.email }),
  ...(row.forgejo === undefined ? {} : { forgejoLogin: row.forgejo.login }),
});

function larger(row: CurrentRow, entry: LedgerEntry, holders: HoldersOfRun): CurrentRow {
  const before = rowOfEntry(row.osUser, entry);
  const tier = takesRights(entry.tier, row.tier) ? entry.tier : row.tier;
  // A tier that is held back may own none: those of the row come with its tier.
  const added = TIERS[tier].ownsNamespaces ? row.namespaces : [];
  const now = identitiesOf(row);
  const { osUser: who, previously } = row;
  const keeps = (kind: IdentityKind): boolean => {
    const [was, is] = [entry[kind], now[kind]];
    return was !== undefined && (is === undefined || !isRename({ kind, who, was, is, previously }, holders));
  };
  // Even a rename ends the access to the secrets below the former name.
  const keepsK8sUser = keeps("k8sUser") || TIERS[entry.tier].ownsNamespaces;
  const { k8sUser: formerK8sUser, ...otherFormer } = previously;
  const forgejo = keeps("forgejoLogin") ? before.forgejo : row.forgejo;
  const email = keeps("email") ? before.email : row.email;
  return {
    ...withEmail(row, email),
    tier,
    namespaces: TIERS[tier].administers ? [] : sorted([...added, ...entry.namespaces]),
    authentikUser: keeps("authentikUser") ? entry.authentikUser : row.authentikUser,
    k8sUser: keepsK8sUser ? entry.k8sUser : row.k8sUser,
    previously: keepsK8sUser && formerK8sUser === entry.k8sUser ? otherFormer : previously,
    host: before.host,
    quota: row.quota,
    ...(forgejo === undefined ? {} : { forgejo: { login: forgejo.login, push: forgejo.push || entry.push } }),
  };
}

/** A higher tier takes something as well: an owner's secrets in Vault and the sign-in of their pipelines. */
const takesRights = (from: Tier, to: Tier): boolean =>
  TIERS[to].rank < TIERS[from].rank || (TIERS[from].ownsNamespaces && !TIERS[to].ownsNamespaces);

function rowOfEntry(osUser: OsUser, entry: LedgerEntry): CurrentRow {
  const [host] = entry.hosts;
  if (host === undefined) throw new Error(`the ledger's entry of ${osUser} has no host: loadLedger`);
  const { authentikUser, k8sUser, tier, namespaces, layout, repos, parked, claudeAuth, limits, quota } = entry;
  const { email, until } = entry;
  return {
    ...{ osUser, authentikUser, k8sUser, tier, namespaces, layout, repos, parked, claudeAuth, limits, quota, host },
    previously: {},
    ...(email === undefined ? {} : { email }),
    ...(until === undefined ? {} : { until }),
    ...(entry.forgejoLogin === undefined ? {} : { forgejo: { login: entry.forgejoLogin, push: entry.push } }),
  };
}

/**
 * Everybody whom a host may still let in from before an earlier run that did not complete there, and who has no place on it
 * now: while removals are suspended, the host would refuse the delivery halfway through the run.
 * @param undelivered what surfaces of the stack may hold
 */
export function pendingRemovals(
  roster: Roster,
  past: RenamedLedger,
  rows: ReadonlyMap<OsUser, CurrentRow>,
  hosts: readonly HostName[],
  undelivered: Undelivered,
): readonly Problem[] {
  return [...past.people.keys()].flatMap((user) => {
    const open = surfacesWithAccess(undelivered, past.renamed.get(user) ?? user);
    const row = rows.get(user);
    const there = hosts.filter((host) => row?.host !== host && open.includes(`host ${host}`));
    return there.map((host) => {
      const other =
        row === undefined
          ? `put ${user} back on the roster with host: ${host}`
          : `take ${host} out of workstation:hosts until then`;
      const message = `host ${host} may still give ${user} access, which an earlier deployment was to revoke there, and addsOnly suspends removals; set workstation:addsOnly to false, or ${other}`;
      const path = roster.rows.has(user) ? ["users", user] : ["users"];
      return problemInRoster(roster, { path, at: "key", message, severity: "error" });
    });
  });
}
