/** Derives one person's desired state from their row, their ledger entry and the stack's policy. */

import type {
  Day,
  Email,
  ForgejoLogin,
  K8sUser,
  Ledger,
  LedgerEntry,
  OffboardedPerson,
  Limits,
  Namespace,
  OsUser,
  Person,
  Policy,
  Ports,
} from "../model.ts";
import { systemdBytes } from "../schema/size-limits.ts";
import { folded, sorted } from "../text/code-unit-order.ts";
import { TIERS } from "../tiers.ts";
import type { CurrentRow } from "./expire-rows.ts";

export const SHELL = "/bin/zsh";

/** What is given for good: the person keeps it across every later change. */
export interface AllocatedNumbers {
  readonly uid: number;
  readonly ports: Ports;
}

/** Somebody who is on the roster. `entry` is their past, under the name that they have now. */
export function personOf(
  row: CurrentRow,
  numbers: AllocatedNumbers,
  entry: LedgerEntry | undefined,
  policy: Policy,
): Person {
  const had = [...(entry?.namespaces ?? []), ...(entry?.formerNamespaces ?? [])];
  return {
    osUser: row.osUser,
    uid: numbers.uid,
    ports: numbers.ports,
    tier: row.tier,
    authentikUser: row.authentikUser,
    k8sUser: row.k8sUser,
    ...(row.email === undefined ? {} : { email: row.email }),
    namespaces: row.namespaces,
    formerNamespaces: sorted(had.filter((name) => !row.namespaces.includes(name))),
    formerNames: entry?.formerNames ?? [],
    formerK8sUsers: formerK8sUsersOf(row, entry),
    groups: TIERS[row.tier].groups,
    shell: SHELL,
    layout: row.layout,
    repos: row.repos,
    parked: row.parked,
    claudeAuth: row.claudeAuth && !row.parked,
    ...(row.forgejo === undefined ? {} : { forgejo: row.forgejo }),
    formerForgejoLogins: formerLogins(row, entry),
    limits: limitsOf(row, policy),
    quota: { ...policy.quota, ...row.quota },
    ...(row.until === undefined ? {} : { until: row.until }),
    host: row.host,
    formerHosts: (entry?.hosts ?? []).filter((host) => host !== row.host),
    previously: row.previously,
  };
}

/**
 * Every `k8s_user` that was theirs before the present one. A former one that the row alone knows counts too: a ledger of a
 * former version holds none.
 */
export function formerK8sUsersOf(
  { k8sUser, previously }: Pick<CurrentRow, "k8sUser" | "previously">,
  entry: LedgerEntry | undefined,
): readonly K8sUser[] {
  const last = [entry?.k8sUser, previously.k8sUser].filter((name) => name !== undefined);
  return sorted([...(entry?.formerK8sUsers ?? []), ...last].filter((name) => name !== k8sUser));
}

/**
 * Every e-mail that was theirs before the present one, as servers compare it. A former one that the row alone knows counts
 * too: a ledger of a former version holds none.
 */
export function formerEmailsOf(
  { email, previously }: Pick<CurrentRow, "email" | "previously">,
  entry: LedgerEntry | undefined,
): readonly Email[] {
  const last = [entry?.email, previously.email].filter((address) => address !== undefined);
  const byAddress = new Map([...(entry?.formerEmails ?? []), ...last].map((address) => [folded(address), address]));
  if (email !== undefined) byAddress.delete(folded(email));
  return sorted(byAddress.values());
}

/** A login that a new spelling of it replaces is no former one: the forge takes the two for the same. */
function formerLogins({ forgejo }: CurrentRow, entry: LedgerEntry | undefined): readonly ForgejoLogin[] {
  const last = entry?.forgejoLogin === undefined ? [] : [entry.forgejoLogin];
  const byName = new Map([...(entry?.formerForgejoLogins ?? []), ...last].map((login) => [folded(login), login]));
  if (forgejo !== undefined) byName.delete(folded(forgejo.login));
  return sorted(byName.values());
}

/** A row that lowers the memory alone gets no pane that is larger than it. */
function limitsOf({ tier, limits }: CurrentRow, policy: Policy): Limits {
  const merged = { ...policy.limits[tier], ...limits };
  const isLarger = systemdBytes(merged.pane_memory) > systemdBytes(merged.memory);
  return isLarger ? { ...merged, pane_memory: merged.memory } : merged;
}

/** What the ledger will say of them after this run. */
export function entryOf(person: Person, entry: LedgerEntry | undefined, today: Day): LedgerEntry {
  const formerEmails = formerEmailsOf(person, entry);
  return {
    uid: person.uid,
    ports: person.ports,
    tier: person.tier,
    authentikUser: person.authentikUser,
    k8sUser: person.k8sUser,
    ...(person.email === undefined ? {} : { email: person.email }),
    ...(person.forgejo === undefined ? {} : { forgejoLogin: person.forgejo.login }),
    ...(person.formerForgejoLogins.length === 0 ? {} : { formerForgejoLogins: person.formerForgejoLogins }),
    push: person.forgejo?.push ?? false,
    namespaces: person.namespaces,
    formerNamespaces: person.formerNamespaces,
    formerNames: person.formerNames,
    ...(person.formerK8sUsers.length === 0 ? {} : { formerK8sUsers: person.formerK8sUsers }),
    ...(formerEmails.length === 0 ? {} : { formerEmails }),
    layout: person.layout,
    repos: person.repos,
    parked: person.parked,
    claudeAuth: person.claudeAuth,
    limits: person.limits,
    ...(person.until === undefined ? {} : { until: person.until }),
    quota: person.quota,
    hosts: [person.host, ...person.formerHosts],
    since: entry?.since ?? today,
  };
}

/** Somebody whom the ledger knows and the roster does not: every access is cut and nothing is deleted. */
export function offboardedPersonOf(osUser: OsUser, entry: LedgerEntry, leftOn: Day): OffboardedPerson {
  return {
    osUser,
    uid: entry.uid,
    ports: entry.ports,
    tier: entry.tier,
    authentikUser: entry.authentikUser,
    k8sUser: entry.k8sUser,
    ...(entry.email === undefined ? {} : { email: entry.email }),
    namespaces: entry.namespaces,
    formerNamespaces: entry.formerNamespaces,
    formerNames: entry.formerNames,
    formerK8sUsers: entry.formerK8sUsers ?? [],
    hosts: entry.hosts,
    ...(entry.forgejoLogin === undefined ? {} : { forgejoLogin: entry.forgejoLogin }),
    formerForgejoLogins: entry.formerForgejoLogins ?? [],
    quota: entry.quota,
    limits: entry.limits,
    repos: entry.repos,
    layout: entry.layout,
    leftOn,
  };
}

/** Takes namespaces that somebody on the roster has today out of everyone else's past, so that each has one keeper. */
export function withoutReassignedNamespaces(
  people: Ledger["people"],
  rows: ReadonlyMap<OsUser, CurrentRow>,
): Ledger["people"] {
  const owners = new Map<Namespace, OsUser>(
    [...rows.values()].flatMap((row) => row.namespaces.map((name) => [name, row.osUser] as const)),
  );
  const isKept = (user: OsUser) => (name: Namespace) => (owners.get(name) ?? user) === user;
  return new Map(
    [...people].map(([user, entry]) => [
      user,
      {
        ...entry,
        namespaces: entry.namespaces.filter(isKept(user)),
        formerNamespaces: entry.formerNamespaces.filter(isKept(user)),
      },
    ]),
  );
}
