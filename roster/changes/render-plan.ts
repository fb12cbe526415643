/** Renders the plan as sentences: who joins, leaves, returns or changes, which access is revoked and what is kept. */

import type { Day, Desired, HostName, OffboardedPerson, OsUser, Person, Policy } from "../model.ts";
import { folded } from "../text/code-unit-order.ts";
import { pushesDirectly } from "../forge-access.ts";
import { listed, withArticle } from "../text/quote.ts";
import { TIERS } from "../tiers.ts";
import { notLocked, type PersonChange } from "./compare-ledgers.ts";
import { onceAdded, type StackSurfaces, surfacesWithAccess, type Undelivered } from "../undelivered-changes.ts";
import type { RepeatedChange } from "./repeated-changes.ts";

export interface PlanInput {
  readonly changes: readonly PersonChange[];
  /** What an earlier run announced and did not bring to every surface. */
  readonly repeated: readonly RepeatedChange[];
  readonly heldBack: readonly PersonChange[];
  /** Whom the destructive command has removed, and this run is the first to know. */
  readonly removed: readonly OsUser[];
  readonly desired: Desired;
  /** What surfaces may hold beside the new ledger. */
  readonly undelivered: Undelivered;
  readonly policy: Policy;
  readonly today: Day;
  /** The stack's surfaces: nothing is lost on another, and what is gained there comes with it. */
  readonly has: StackSurfaces;
}

/** One sentence a change: those who leave first, then returns, arrivals, changes and notices, each by name. */
export function planSentences(input: PlanInput): readonly string[] {
  const { changes, heldBack } = input;
  const of = (kind: PersonChange["kind"]) => changes.filter((change) => change.kind === kind);
  const kinds = ["leaves", "returns", "joins", "changes"] as const;
  return [
    ...kinds.flatMap(of).map((change) => sentenceOf(change, input)),
    ...input.repeated.map((change) => again(change, input)),
    ...heldBack.map(wouldLose),
    ...input.removed.map((osUser) => forgotten(osUser, input)),
    ...notices(input),
  ];
}

/** What is gained is held back where it comes with the loss alone, such as a tier that gives and takes. */
const wouldLose = ({ who, lost, gained }: PersonChange): string =>
  `${who} would lose ${listed(lost)}${gained.length === 0 ? "" : ` and would get ${listed(gained)}`}; addsOnly holds that back.`;

function sentenceOf(change: PersonChange, input: PlanInput): string {
  if (change.kind === "leaves") return leaves(change, input);
  return change.kind === "changes" ? `${changed(change)}.` : arrives(change, input);
}

/** The surfaces by name, since an operator has to know where to look for the failure. */
const again = (change: RepeatedChange, input: PlanInput): string =>
  `${sentenceOf(change, input)} An earlier deployment announced this and did not complete on ${listed(change.surfaces)}.`;

/** The hosts out of the stack that may still let somebody in: no leave has reached them. */
const openHosts = (
  who: OsUser,
  hosts: readonly HostName[],
  { desired, undelivered }: PlanInput,
): readonly HostName[] => {
  const open = surfacesWithAccess(undelivered, who);
  return hosts.filter((host) => !desired.hosts.has(host) && open.includes(`host ${host}`));
};

function leaves({ who }: PersonChange, input: PlanInput): string {
  const { desired, policy, has } = input;
  const removed = desired.removedButHeld.get(who);
  if (removed !== undefined) return `${who}, who was removed for good, is offboarded on ${listed(removed.hosts)}.`;
  const left = desired.left.get(who);
  if (left === undefined) return `${who} is offboarded.`;
  const out = openHosts(who, left.hosts, input).map((host) => ` ${notLocked(host)}.`);
  const [revoked, stays] = [cuts(left, desired, has), [...kept(left, desired, has), ...modeOfHome(who, policy)]];
  return `${who} is offboarded. Revoked: ${listed(revoked)}. Kept: ${listed(stays)}.${out.join("")}`;
}

/** Of an account that is taken over: who may enter its home stays able to. */
const modeOfHome = (who: OsUser, policy: Policy): readonly string[] =>
  policy.adoptExisting.includes(who) && !policy.closeAdoptedHomes ? ["the mode of the home that was taken over"] : [];

/** Of somebody who joins with an account that exists. */
function adoption(who: OsUser, policy: Policy): readonly string[] {
  if (!policy.adoptExisting.includes(who)) return [];
  const home = policy.closeAdoptedHomes
    ? "whose home is closed to others"
    : "whose home keeps its mode, also where others may enter it";
  return [`takes over an account of that name that exists, ${home}; its shell, its files and its groups stay`];
}

function forgotten(osUser: OsUser, input: PlanInput): string {
  const entry = input.desired.ledger.people.get(osUser);
  const ports = `the ports ${entry?.ports.t3} and ${entry?.ports.browser}`;
  const out = openHosts(osUser, entry?.hosts ?? [], input);
  const kept =
    out.length === 0
      ? `the uid ${entry?.uid} stays theirs, ${ports} are free.`
      : `the uid ${entry?.uid} stays theirs, and ${ports} do while a host may still hold them. ${out.map(notLocked).join(". ")}.`;
  return `${osUser} was removed for good: the program forgets what it kept for them and touches nothing of it; ${kept}`;
}

/** What leaving takes away from one person. */
function cuts(left: OffboardedPerson, desired: Desired, has: StackSurfaces): readonly string[] {
  const groups = TIERS[left.tier].groups;
  const hosts = left.hosts.filter((host) => desired.hosts.has(host));
  return [
    ...(hosts.length > 0 ? [`units and login on ${listed(hosts)}`] : []),
    ...(groups.length > 0 ? [`the groups ${listed(groups)}`] : []),
    `the terminal and the code server of ${left.authentikUser}`,
    ...(has.cluster ? [`the cluster rights of ${withArticle(left.tier)}`] : []),
    ...(left.forgejoLogin === undefined || !has.forge ? [] : [`${left.forgejoLogin}'s access and token in Forgejo`]),
    ...(has.Vault ? ["Vault policies and tokens"] : []),
  ];
}

function kept(left: OffboardedPerson, { people }: Desired, has: StackSurfaces): readonly string[] {
  const { uid, ports, namespaces, formerNamespaces, k8sUser, formerK8sUsers } = left;
  const taken = new Set(
    [...people.values()].flatMap(({ forgejo }) => (forgejo === undefined ? [] : [folded(forgejo.login)])),
  );
  const last = left.forgejoLogin === undefined ? [] : [left.forgejoLogin];
  const logins = [...last, ...left.formerForgejoLogins].filter((login) => !taken.has(folded(login)));
  const rooms = [...namespaces, ...formerNamespaces];
  return [
    `account, home and clones (uid ${uid})`,
    "groups that they got by hand",
    ...(has.Vault ? [`the secrets in Vault of ${listed([k8sUser, ...formerK8sUsers])}`] : []),
    ...(has.forge
      ? logins.map((login) => `the forge account ${login} with its own tokens, keys and repositories`)
      : []),
    `the ports ${ports.t3} and ${ports.browser}`,
    ...(rooms.length > 0 && has.cluster
      ? [
          rooms.length === 1
            ? `the namespace ${rooms.join()} with everything in it`
            : `the namespaces ${listed(rooms)} with everything in them`,
        ]
      : []),
  ];
}

function arrives(
  { who, kind, other, startsAnew, hasOtherPorts }: PersonChange,
  { desired, policy, has }: PlanInput,
): string {
  const person = desired.people.get(who);
  if (person === undefined) return `${who} ${kind}.`;
  const isAdopted = kind === "joins" && policy.adoptExisting.includes(who);
  const hasHome = isAdopted || startsAnew === "perhaps" ? "perhaps" : kind === "returns" && startsAnew !== true;
  const ports = `the ports ${person.ports.t3} and ${person.ports.browser}`;
  const numbers = `uid ${person.uid} and ${ports}${hasOtherPorts === true ? ", since others have ports that were theirs" : ""}`;
  const start = `${who} ${kind} as ${person.tier} on ${person.host}, with ${kind === "returns" ? "the same " : ""}${numbers}`;
  const taken = kind === "joins" ? adoption(who, policy) : [];
  return `${[start, ...furnishings(person, hasHome, has), ...taken, ...other].join("; ")}.`;
}

/** Whether a home of theirs is on the host: of one that no run has made for sure, the host alone knows what is in it. */
type HasHome = boolean | "perhaps";

function furnishings(person: Person, hasHome: HasHome, has: StackSurfaces): readonly string[] {
  const { namespaces, forgejo } = person;
  return [
    ...(namespaces.length > 0
      ? [
          `owns the ${namespaces.length === 1 ? "namespace" : "namespaces"} ${listed(namespaces)}${has.Vault ? "" : onceAdded("cluster", has)}`,
        ]
      : []),
    ...(TIERS[person.tier].clone === "untouched" ? [] : [clonesOf(person, hasHome)]),
    ...(forgejo === undefined
      ? []
      : [
          `${pushesDirectly(person.tier, forgejo.push) ? "pushes to the protected branch" : "opens pull requests"} as ${forgejo.login}${onceAdded("forge", has)}`,
        ]),
    ...(person.parked ? ["is parked, so nothing runs yet"] : []),
    ...(person.until === undefined ? [] : [`has ${person.until} as last day`]),
  ];
}

/** A clone that is there stays as it is, unlocked ones included. */
function clonesOf({ repos }: Person, hasHome: HasHome): string {
  const clones = listed(["infra", ...repos]);
  if (hasHome === false)
    return `gets a locked clone of infra${repos.length > 0 ? ` and ${listed(repos)} beside it` : ""}`;
  if (hasHome === "perhaps") {
    return repos.length === 0
      ? "keeps a clone of infra that is there as it is; a missing one is cloned, locked"
      : `keeps clones of ${clones} that are there as they are; missing ones are cloned, infra locked`;
  }
  if (repos.length === 0) return "keeps the clone of infra as it is; a missing one is cloned anew, locked";
  return `keeps the clones of ${clones} as they are; missing ones are cloned anew, infra locked`;
}

function changed({ who, lost, gained, other }: PersonChange): string {
  const parts = [
    ...(lost.length > 0 ? [`loses ${listed(lost)}`] : []),
    ...(gained.length > 0 ? [`gets ${listed(gained)}`] : []),
    ...other,
  ];
  return `${who} ${parts.join("; ")}`;
}

function notices({ desired, policy, today }: PlanInput): readonly string[] {
  return [...desired.people.values()].flatMap((person) => {
    if (person.until === undefined) return [];
    const days = Math.round((Date.parse(person.until) - Date.parse(today)) / 86_400_000);
    if (days > policy.noticeDays || days < 0) return [];
    const when = days === 0 ? "today" : days === 1 ? "tomorrow" : `in ${days} days`;
    const after = policy.addsOnly
      ? "while addsOnly suspends removals, their access stays after it"
      : "on the day after it all access is revoked";
    return [`${person.osUser}'s last day is ${person.until} (${when}); ${after}.`];
  });
}
