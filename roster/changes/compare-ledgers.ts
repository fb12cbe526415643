/**
 * Compares the ledger before and after one run and lists what changes for whom. The plan and the safety limits both
 * start from this list.
 */

import type { Desired, HostName, Ledger, LedgerEntry, OsUser, Previously } from "../model.ts";
import { byCodeUnit } from "../text/code-unit-order.ts";
import { listed } from "../text/quote.ts";
import { TIERS } from "../tiers.ts";
import {
  ALL_DELIVERED,
  mayLackAccount,
  onceAdded,
  stackSurfaces,
  type StackSurfaces,
  type Surface,
  surfacesWithAccess,
  type Undelivered,
} from "../undelivered-changes.ts";
import {
  holdersOf,
  type HoldersOfRun,
  IDENTITY_KINDS,
  IDENTITY_NAMES,
  isRename,
  otherHolder,
} from "./identity-holders.ts";
import { rightsChanges } from "./rights-changes.ts";
import { settingChanges } from "./setting-changes.ts";

export interface Before {
  readonly people: Ledger["people"];
  /** New name to former one. */
  readonly renamed: ReadonlyMap<OsUser, OsUser>;
}

export interface PersonChange {
  readonly who: OsUser;
  readonly kind: "leaves" | "returns" | "joins" | "changes";
  /** Rights that are taken away, each a half sentence after "loses". What the brakes count. */
  readonly lost: readonly string[];
  /** Rights that are given, each a half sentence after "gets". What a non-admin's push must not bring about alone. */
  readonly gained: readonly string[];
  /** Everything else, each a half sentence after the name. */
  readonly other: readonly string[];
  /** Of a return: there is no home of theirs on the host, or perhaps none. */
  readonly startsAnew?: true | "perhaps";
  /** Of a return: somebody else has a port that was theirs. */
  readonly hasOtherPorts?: boolean;
}

/**
 * Everybody for whom something changes, by name.
 * @param has the stack's surfaces: nothing is lost on another, and what is gained there comes with it
 */
export function changesBetween(
  before: Before,
  desired: Desired,
  undelivered: Undelivered = ALL_DELIVERED,
  has: StackSurfaces = stackSurfaces(),
): readonly PersonChange[] {
  const changes: PersonChange[] = [];
  const holders = holdersOfRun(before, desired);
  for (const [who, after] of [...desired.ledger.people].sort(([a], [b]) => byCodeUnit(a, b))) {
    const formerName = before.renamed.get(who);
    const past = before.people.get(formerName ?? who);
    const previously = desired.people.get(who)?.previously ?? {};
    const tokensOn = tokenSurfaces(undelivered, formerName ?? who);
    const mayLackHome = lacksHome(undelivered, after, formerName ?? who);
    const { hosts } = desired;
    const entries: EntryChange = { who, past, after, previously, formerName, tokensOn, hosts, mayLackHome };
    const change = changeOf(entries, holders, has);
    if (change !== undefined) changes.push(change);
  }
  return changes;
}

/** @param held what surfaces hold beside the ledger, by present name */
export function holdersOfRun(
  { people, renamed }: Before,
  { ledger }: Pick<Desired, "ledger">,
  held: readonly (readonly [OsUser, LedgerEntry])[] = [],
): HoldersOfRun {
  const nameNow = new Map([...renamed].map(([now, was]) => [was, now]));
  return {
    before: holdersOf([...[...people].map(([name, entry]) => [nameNow.get(name) ?? name, entry] as const), ...held]),
    after: holdersOf([...ledger.people].filter(([, { leftOn }]) => leftOn === undefined)),
  };
}

/** Where tokens may be valid that a leave was to revoke: what the surface may hold still gives access. */
export const tokenSurfaces = (undelivered: Undelivered, name: OsUser): readonly Surface[] =>
  surfacesWithAccess(undelivered, name).filter((surface) => !surface.startsWith("host "));

/** Whether the host of an entry may never have made a home for them. */
export const lacksHome = (undelivered: Undelivered, { hosts: [host] }: LedgerEntry, name: OsUser): boolean =>
  host !== undefined && mayLackAccount(undelivered, host, name);

type OfPerson = Omit<PersonChange, "who">;

/** One person's entry of the ledger before a run and after it. */
export interface EntryChange {
  readonly who: OsUser;
  readonly past: LedgerEntry | undefined;
  readonly after: LedgerEntry;
  /** Former values that the row states. */
  readonly previously: Previously;
  readonly formerName: OsUser | undefined;
  /** Surfaces where a token from before a leave may be valid. Default: none. */
  readonly tokensOn?: readonly Surface[] | "unknown";
  /** The stack's hosts. Default: every host is one. */
  readonly hosts?: Pick<Desired["hosts"], "has">;
  /** Whether earlier runs may never have reached the host. Default: no. */
  readonly mayLackHome?: boolean;
}

/** What changes for one person; undefined when nothing. */
export function changeOf(
  entries: EntryChange,
  holders: HoldersOfRun,
  has: StackSurfaces = stackSurfaces(),
): PersonChange | undefined {
  const { who, past, after } = entries;
  const isIn = after.leftOn === undefined;
  if (past === undefined) return isIn ? { who, kind: "joins", lost: [], gained: ["a place"], other: [] } : undefined;
  if (past.leftOn !== undefined) return isIn ? returnOf({ ...entries, past }, holders, has) : undefined;
  if (!isIn) return { who, kind: "leaves", lost: ["every access"], gained: [], other: [] };
  const parts = partsOf({ ...entries, past }, holders, has);
  const takes = parts.some(({ lost }) => lost.length > 0) || (!past.parked && after.parked);
  const change: OfPerson = {
    kind: "changes",
    lost: parts.flatMap((part) => part.lost),
    gained: parts.flatMap((part) => part.gained),
    other: [...renameOf(entries, takes), ...parts.flatMap((part) => part.other), ...settingChanges(past, after, has)],
  };
  return change.lost.length + change.gained.length + change.other.length > 0 ? { who, ...change } : undefined;
}

/** @param takes whether the same change takes something from them */
function renameOf({ who, after, formerName }: EntryChange, takes: boolean): readonly string[] {
  if (formerName === undefined) return [];
  return [
    `is the new name of ${formerName}: the same account, uid ${after.uid}, ports and namespaces`,
    `/home/${formerName} becomes /home/${who}, with a link at the former path, and their services start anew; it waits while ${formerName} is at work there${takes ? ", but what this change takes from them does not wait" : ""}`,
    "keeps git's user.name as it is",
  ];
}

type KnownChange = EntryChange & { readonly past: LedgerEntry };

/**
 * Somebody offboarded who is on the roster again, compared with what they had on their last day. They lose nothing, since
 * they had no access; what does not come back is said all the same.
 */
function returnOf(entries: KnownChange, holders: HoldersOfRun, has: StackSurfaces): PersonChange {
  const { who, past, after, formerName, tokensOn = [], mayLackHome = false } = entries;
  const parts = partsOf(entries, holders, has);
  const [notBack, more] = [parts.flatMap(({ lost }) => lost), parts.flatMap(({ gained }) => gained)];
  const isDeleted = past.removedOn !== undefined;
  const isElsewhere = !wasOnHost(past, after);
  const renamed =
    formerName === undefined || isDeleted
      ? []
      : [
          `is the new name of ${formerName}`,
          `/home/${formerName} becomes /home/${who}, with a link at the former path`,
        ];
  const other = [
    homeOf(entries),
    ...renamed,
    ...(has.forge || has.Vault ? [tokensOf(tokensOn)] : []),
    ...(notBack.length > 0 ? [`does not get back ${listed(notBack)}`] : []),
    ...(more.length > 0 ? [`gets ${listed(more)}, which they did not have on their last day`] : []),
    ...(parts[0]?.other ?? []),
    ...(isDeleted ? [] : settingChanges(past, after, has)),
  ];
  const mayBeGone = isDeleted || mayLackHome;
  const startsAnew = isElsewhere ? { startsAnew: true as const } : mayBeGone ? { startsAnew: "perhaps" as const } : {};
  const hasOtherPorts =
    past.ports.t3 === after.ports.t3 && past.ports.browser === after.ports.browser ? {} : { hasOtherPorts: true };
  return { who, kind: "returns", lost: [], gained: ["a place again"], other, ...startsAnew, ...hasOtherPorts };
}

/** A removal for good deletes nothing on a host that was out of the stack. */
function homeOf({ past, after, mayLackHome = false }: KnownChange): string {
  const [host] = after.hosts;
  if (!wasOnHost(past, after)) return `gets a new home on ${host}`;
  if (past.removedOn !== undefined)
    return `gets a new home where the removal deleted the former one on ${host}; one that is there stays`;
  return `has account and home back as they are${mayLackHome ? ` where ${host} has them already, and new ones otherwise` : ""}`;
}

function tokensOf(on: NonNullable<EntryChange["tokensOn"]>): string {
  if (on.length === 0) return "gets new tokens: those of before stay revoked";
  const fresh = "gets new tokens where the leave revoked those of before";
  return on === "unknown" ? fresh : `${fresh}; on ${listed(on)}, which it may not have reached, those may stay valid`;
}

const wasOnHost = (past: LedgerEntry, after: LedgerEntry): boolean =>
  past.hosts.some((host) => host === after.hosts[0]);

export type Part = Pick<PersonChange, "lost" | "gained" | "other">;

const partsOf = (entries: KnownChange, holders: HoldersOfRun, has: StackSurfaces): readonly Part[] => [
  identityChanges(entries, holders, has),
  rightsChanges(entries.past, entries.after, has),
  placeChanges(entries),
];

function identityChanges(
  { who, past, after, previously }: KnownChange,
  holders: HoldersOfRun,
  has: StackSurfaces,
): Part {
  const part = { lost: [] as string[], gained: [] as string[], other: [] as string[] };
  for (const kind of IDENTITY_KINDS) {
    const isForge = kind === "forgejoLogin";
    const later = isForge ? onceAdded("forge", has) : "";
    const [was, is, what] = [past[kind], after[kind], IDENTITY_NAMES[kind]];
    if (was === is) continue;
    // The delivery sets it where there is none, as in a new home.
    if (kind === "email" && was !== undefined && past.removedOn === undefined && wasOnHost(past, after))
      part.other.push("keeps git's user.email as it is");
    if (was !== undefined && is !== undefined && isRename({ kind, who, was, is, previously }, holders)) {
      part.other.push(
        `is renamed: ${what} ${was} becomes ${is}${later}${kind === "k8sUser" && has.Vault ? secretsOf(was) : ""}`,
      );
      if (kind === "k8sUser" && has.Vault && TIERS[past.tier].ownsNamespaces && TIERS[after.tier].ownsNamespaces)
        part.lost.push(`access to their secrets in Vault below ${was}`);
      continue;
    }
    if (was !== undefined && kind === "k8sUser" && has.Vault)
      part.other.push(`keeps the secrets in Vault below ${was}, from where an admin moves them`);
    const next = was === undefined ? undefined : otherHolder(holders.after, kind, was, who);
    const last = is === undefined ? undefined : otherHolder(holders.before, kind, is, who);
    if (was !== undefined && (!isForge || has.forge)) {
      const former = previously[kind];
      const remarks = [
        ...(is === undefined ? [] : [`now ${is}`]),
        ...(next === undefined ? [] : [`${was} is ${next}'s from now on`]),
        ...(is === undefined || next !== undefined || last !== undefined ? [] : [hintOf(former, was)]),
      ];
      part.lost.push(`what they had as ${what} ${was}${remarks.length === 0 ? "" : ` (${remarks.join("; ")})`}`);
    }
    if (is !== undefined)
      part.gained.push(`the ${what} ${is}${later}${last === undefined ? "" : ` (formerly ${last}'s)`}`);
  }
  return part;
}

const secretsOf = (was: string): string => `; their secrets in Vault stay below ${was}, from where an admin moves them`;

/** Of an identity that nobody else has or had. */
const hintOf = (former: string | undefined, was: string): string =>
  former === undefined
    ? "if that is a rename, say so in previously"
    : `no rename: previously names ${former} and not ${was}`;

/** Of a host that the stack does not have: no deployment reaches it until it is back. */
export const notLocked = (host: HostName): string => `${notInStack(host)}: nothing is locked there`;

const notInStack = (host: HostName): string => `${host} is not in this stack`;

/** To a return it is of no matter whether the leave had reached a host out of the stack: it gives nothing there. */
function formerPlace({ leftOn, removedOn }: LedgerEntry, host: HostName, hosts: EntryChange["hosts"]): string {
  if (hosts?.has(host) === false) return leftOn === undefined ? notLocked(host) : notInStack(host);
  return removedOn === undefined
    ? "account and home stay there, locked"
    : "account and home are as the removal left them";
}

function placeChanges({ past, after, hosts }: KnownChange): Part {
  const part = { lost: [] as string[], gained: [] as string[], other: [] as string[] };
  const [from] = past.hosts;
  const [to] = after.hosts;
  if (from !== undefined && from !== to) {
    part.lost.push(`their place on ${from} (${formerPlace(past, from, hosts)})`);
    part.gained.push(`a place on ${to}`);
  }
  if (!past.parked && after.parked)
    part.other.push("is parked: their sessions are saved and ended, nothing of theirs runs, account and disk stay");
  if (past.parked && !after.parked)
    part.other.push("is no longer parked: everything of theirs runs again, saved sessions included");
  if (past.until !== after.until)
    part.other.push(after.until === undefined ? "has no last day any more" : `has ${after.until} as last day`);
  return part;
}
