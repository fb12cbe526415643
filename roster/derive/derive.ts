/** Derives the desired state of one run from a checked roster, the user map and the ledger, as plain data. */

import type { Desired, HostFiles, HostName, Ledger, LedgerEntry, OffboardedPerson, OsUser, Person } from "../model.ts";
import type { Problem } from "../model.ts";
import { changesBetween, type PersonChange } from "../changes/compare-ledgers.ts";
import { type ExceededLimit, findExceededLimits } from "../changes/offboarding-limits.ts";
import { planSentences } from "../changes/render-plan.ts";
import { raisedRights, type RaisedRights } from "../changes/increased-rights.ts";
import { repeatedChanges, type RepeatedChange } from "../changes/repeated-changes.ts";
import { problemInRoster } from "../load.ts";
import { inRow } from "../rules/finding.ts";
import { contradictingQuotas } from "../rules/merged-quotas.ts";
import { byCodeUnit, sortedEntries } from "../text/code-unit-order.ts";
import {
  ALL_DELIVERED,
  onSurfaces,
  stackSurfaces,
  type Surface,
  surfacesWithAccess,
  type Undelivered,
  undeliveredDuring,
} from "../undelivered-changes.ts";
import { checkAgainstUserMap } from "../user-map.ts";
import { allocate } from "./allocate-numbers.ts";
import { claimedRenames } from "./claimed-renames.ts";
import {
  conflictsWithOthers,
  doubledIdentities,
  formerNamesOfOthers,
  handedOverNamespaces,
  reassignedAddresses,
} from "./name-conflicts.ts";
import { hostFiles } from "./host-files.ts";
import {
  entryOf,
  type AllocatedNumbers,
  offboardedPersonOf,
  personOf,
  withoutReassignedNamespaces,
} from "./derive-person.ts";
import { removedPeople } from "./removed-users.ts";
import { followRenames, type RenamedLedger } from "./renames.ts";
import { type CurrentRow, currentRows, expiredRows, type RowsInput } from "./expire-rows.ts";
import { pendingRemovals, withoutRemovals } from "./adds-only.ts";

export interface DeriveInput extends RowsInput {
  readonly ledger: Ledger;
  /** What surfaces may still hold from before the ledger's last change. Default: nothing. */
  readonly undelivered?: Undelivered;
  /** The stack's surfaces. Default: none is recorded as undelivered, and every host of the policy is one for the limits. */
  readonly surfaces?: readonly Surface[];
}

export interface Derivation {
  readonly ok: true;
  readonly desired: Desired;
  /** What this run changes for whom, by name; empty when nothing. */
  readonly changes: readonly PersonChange[];
  /** What an earlier run announced and did not bring to every surface: this run brings it there. */
  readonly repeated: readonly RepeatedChange[];
  /** What surfaces may hold beside the new ledger until this run is complete there. */
  readonly undelivered: Undelivered;
  /** What it would also take away if removals were not suspended. */
  readonly heldBack: readonly PersonChange[];
  /** The plan in people's words, one sentence a thing, in an order that never depends on the file's. */
  readonly plan: readonly string[];
  /** Whose rights rise: what a push of somebody who is no admin does not bring about alone. */
  readonly raised: readonly RaisedRights[];
  /** What must be confirmed by name before anything is written; empty when nothing. */
  readonly brakes: readonly ExceededLimit[];
  readonly warnings: readonly Problem[];
}

export type Derived = Derivation | { readonly ok: false; readonly problems: readonly Problem[] };

/** Decides everything that a run brings about. Pure: equal inputs give equal bytes. */
export function derive(input: DeriveInput): Derived {
  const { roster, policy, today, ledger } = input;
  const past = followRenames(roster, ledger);
  const userMap = input.userMap === undefined || input.userMap === "unread" ? undefined : input.userMap;
  const wanted = currentRows(input, past.people);
  const rows = policy.addsOnly ? withoutRemovals(wanted, past.people) : wanted;
  const record = input.undelivered ?? ALL_DELIVERED;
  const allocated = giveNumbers({ ...input, undelivered: record }, past, rows);
  const undelivered = input.surfaces === undefined ? record : onSurfaces(record, input.surfaces);
  const removed = removedPeople(roster, policy, past.people, rows, undelivered);
  const found = [
    ...past.problems,
    ...removed.problems,
    ...(userMap === undefined ? [] : checkAgainstUserMap(roster, userMap)),
    ...contradictingQuotas(roster, policy, {
      source: userMap === undefined ? "the last deployment" : `the user map (${userMap.file})`,
      quotaOf: ({ osUser }) => wanted.get(osUser)?.quota,
    }),
    ...conflictsWithOthers(roster, past, rows),
    ...formerNamesOfOthers(roster, past, rows),
    ...claimedRenames(roster, past, wanted),
    ...(policy.addsOnly
      ? [...doubledIdentities(roster, past, rows), ...pendingRemovals(roster, past, rows, policy.hosts, undelivered)]
      : []),
    ...allocated.problems,
    ...expiredRows(roster, today, policy, past.people),
  ];
  if (found.some((problem) => problem.severity === "error")) return { ok: false, problems: found };
  const desired = desiredOf({ ...input, undelivered }, past, rows, allocated.numbers, removed.now);
  const before = { people: ledger.people, renamed: past.renamed };
  const has = stackSurfaces(input.surfaces);
  const changes = changesBetween(before, desired, undelivered, has);
  const repeated = repeatedChanges(undelivered, before, desired, changes, has);
  const undeliveredAfter = undeliveredDuring(record, before, desired.ledger.people, input.surfaces ?? []);
  const wished = () => desiredOf(input, past, wanted, allocated.numbers, removed.now);
  const heldBack = policy.addsOnly ? heldOf(changesBetween(before, wished(), ALL_DELIVERED, has), changes) : [];
  return {
    ok: true,
    desired,
    changes,
    repeated,
    undelivered: undeliveredAfter,
    heldBack,
    plan: planSentences({
      ...{ changes, repeated, heldBack, removed: [...removed.now], desired, policy, today, has },
      undelivered: undeliveredAfter,
    }),
    raised: raisedRights(before, desired.ledger.people, undelivered),
    brakes: findExceededLimits(before, desired, changes, policy, { undelivered, hosts: deliveredHosts(input) }),
    warnings: found,
  };
}

const deliveredHosts = ({ policy, surfaces }: DeriveInput): readonly HostName[] =>
  policy.hosts.filter((host) => surfaces?.includes(`host ${host}`) ?? true);

/** The losses of the rows as they are written, each with what its person does not get instead. */
function heldOf(wanted: readonly PersonChange[], given: readonly PersonChange[]): readonly PersonChange[] {
  const gainedBy = new Map(given.map(({ who, gained }) => [who, gained]));
  return wanted
    .filter(({ lost }) => lost.length > 0)
    .map((change) => {
      const gained = change.gained.filter((phrase) => gainedBy.get(change.who)?.includes(phrase) !== true);
      return { ...change, gained, other: [] };
    });
}

interface Numbers {
  readonly numbers: ReadonlyMap<OsUser, AllocatedNumbers>;
  readonly problems: readonly Problem[];
}

/** Uids and ports of everybody on the roster: what they have, or the lowest that nobody has or could come back for. */
function giveNumbers(
  { roster, policy, undelivered = ALL_DELIVERED }: DeriveInput,
  past: RenamedLedger,
  rows: ReadonlyMap<OsUser, CurrentRow>,
): Numbers {
  const entries = [...past.people];
  // A host that still has somebody's services keeps their ports, too.
  const isHolder = ([user, { removedOn }]: readonly [OsUser, LedgerEntry]) =>
    removedOn === undefined || (!rows.has(user) && surfacesWithAccess(undelivered, user).length > 0);
  const holders = entries.filter(isHolder);
  const names = [...rows.keys()].sort(byCodeUnit);
  const withPort = new Set<OsUser>();
  // One set for both kinds: somebody may hold a port from before a range was moved over it.
  const taken = new Set<number>();
  const keepPorts = (user: OsUser, { ports }: LedgerEntry): void => {
    if (taken.has(ports.t3) || taken.has(ports.browser)) return;
    withPort.add(user);
    taken.add(ports.t3);
    taken.add(ports.browser);
  };
  for (const [user, entry] of holders) keepPorts(user, entry);
  // After a destructive removal the numbers are free for others; who comes back first has first claim to their own.
  for (const [user, entry] of entries) if (entry.removedOn !== undefined && rows.has(user)) keepPorts(user, entry);
  const newcomers = names.filter((user) => !withPort.has(user));
  const without = names.filter((user) => !past.people.has(user));
  const t3 = allocate(newcomers, taken, policy.ports.t3);
  const browser = allocate(newcomers, taken, policy.ports.browser);
  const uid = allocate(
    without,
    entries.map(([, entry]) => entry.uid),
    policy.uids,
  );
  const full = [
    ...(t3.ok ? [] : t3.without.map((user) => [user, "code-server port", "ports.t3", policy.ports.t3] as const)),
    ...(browser.ok
      ? []
      : browser.without.map((user) => [user, "browser port", "ports.browser", policy.ports.browser] as const)),
    ...(uid.ok ? [] : uid.without.map((user) => [user, "uid", "uids", policy.uids] as const)),
  ].map(([user, what, setting, { first, last }]) =>
    problemInRoster(
      roster,
      inRow(
        user,
        [],
        `no ${what} is free between ${first} and ${last}; widen workstation:${setting} in the stack's configuration, for example by \`pulumi config set --path '${setting}.last' NUMBER\` (nobody's number changes by it), or remove an offboarded user for good`,
      ),
    ),
  );
  if (!t3.ok || !browser.ok || !uid.ok) return { numbers: new Map(), problems: full };
  const numberOf = (user: OsUser): AllocatedNumbers => {
    const entry = past.people.get(user);
    const ports = withPort.has(user) ? entry?.ports : { t3: t3.numbers.get(user), browser: browser.numbers.get(user) };
    const own = entry?.uid ?? uid.numbers.get(user);
    if (own === undefined || ports?.t3 === undefined || ports.browser === undefined)
      throw new Error(`no numbers for ${user}`);
    return { uid: own, ports: { t3: ports.t3, browser: ports.browser } };
  };
  return { numbers: new Map(names.map((user) => [user, numberOf(user)])), problems: [] };
}

function desiredOf(
  { policy, today, undelivered = ALL_DELIVERED }: DeriveInput,
  past: RenamedLedger,
  rows: ReadonlyMap<OsUser, CurrentRow>,
  numbers: Numbers["numbers"],
  removed: ReadonlySet<OsUser>,
): Desired {
  const before = withoutReassignedNamespaces(past.people, rows);
  const people = new Map<OsUser, Person>();
  const left = new Map<OsUser, OffboardedPerson>();
  const removedButHeld = new Map<OsUser, OffboardedPerson>();
  const entries = new Map<OsUser, LedgerEntry>();
  for (const [user, row] of sortedEntries(rows)) {
    const own = numbers.get(user);
    // Only a row that came back into being between two derivations of one run could lack them.
    if (own === undefined) throw new Error(`no numbers for ${user}`);
    const entry = before.get(user);
    const person = personOf(row, own, entry, policy);
    people.set(user, person);
    entries.set(user, entryOf(person, entry, today));
  }
  for (const [user, entry] of sortedEntries(before)) {
    if (people.has(user)) continue;
    const leftOn = entry.leftOn ?? today;
    const removedOn = entry.removedOn ?? (removed.has(user) ? today : undefined);
    entries.set(user, { ...entry, leftOn, ...(removedOn === undefined ? {} : { removedOn }) });
    const person = offboardedPersonOf(user, entry, leftOn);
    const hosts = entry.hosts.filter((host) => surfacesWithAccess(undelivered, user).includes(`host ${host}`));
    if (removedOn === undefined) left.set(user, person);
    else if (hosts.length > 0) removedButHeld.set(user, { ...person, hosts });
  }
  return {
    people,
    left,
    removedButHeld,
    hosts: filesOf(policy.hosts, people),
    reassignedAddress: reassignedAddresses(past, rows, undelivered),
    handedOver: handedOverNamespaces(past, rows, removed, undelivered),
    ledger: { version: 1, people: new Map(sortedEntries(entries)) },
  };
}

const filesOf = (hosts: readonly HostName[], people: ReadonlyMap<OsUser, Person>): ReadonlyMap<HostName, HostFiles> =>
  new Map(hosts.map((host) => [host, hostFiles([...people.values()].filter((person) => person.host === host))]));
