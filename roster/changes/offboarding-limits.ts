/**
 * Finds the safety limits that a run would exceed: how many people may lose rights at once, and who must not be the
 * last. They stop the run before the first write.
 */

import type { Desired, HostName, OsUser, Policy } from "../model.ts";
import { sorted } from "../text/code-unit-order.ts";
import { counted, listed } from "../text/quote.ts";
import { TIERS } from "../tiers.ts";
import type { Undelivered } from "../undelivered-changes.ts";
import { type Before, holdersOfRun, type PersonChange } from "./compare-ledgers.ts";
import { exceededHostLimits } from "./host-removal-limits.ts";
import { isRename } from "./identity-holders.ts";

export interface ExceededLimit {
  readonly kind: "limit" | "last-person" | "fewest-admins";
  /** Who would lose something, by name: what `confirmLeave` must list, no more and no less. */
  readonly people: readonly OsUser[];
  /** One sentence that names them and the release. */
  readonly message: string;
}

/** What the hosts of the stack may hold, for the limits that each of them applies by itself. */
export interface HostsBefore {
  readonly hosts: readonly HostName[];
  readonly undelivered: Undelivered;
}

/**
 * The brakes that this difference trips; none when exactly its losers are confirmed by name. Who else joins in the same
 * run never counts: ten newcomers license no removal. Leaving, a lower tier, a lost push, namespace, identity or host
 * are losses alike. Of what an earlier run announced, that run's limits have been passed; a host still counts what it has
 * not been given, so those people must be confirmed where a host's own limit is exceeded.
 */
export function findExceededLimits(
  before: Before,
  desired: Desired,
  changes: readonly PersonChange[],
  policy: Policy,
  { hosts, undelivered }: HostsBefore,
): readonly ExceededLimit[] {
  const losing = new Map(changes.filter(({ lost }) => lost.length > 0).map(({ who, lost }) => [who, listed(lost)]));
  const ofStack = losing.size === 0 ? [] : exceededStackLimits(before, desired, losing.size, policy);
  // What stops the whole stack for the same people is not said once more for a host.
  const ofHosts = exceededHostLimits(hosts, before, desired, undelivered, policy.removalLimit).filter(
    ({ kind, losers }) =>
      !(ofStack.some((limit) => limit.kind === kind) && [...losers.keys()].every((who) => losing.has(who))),
  );
  const people = sorted(new Set([...losing.keys(), ...ofHosts.flatMap(({ losers }) => [...losers.keys()])]));
  if (isConfirmed(people, policy.confirmLeave)) return [];
  const release = `If that is meant, set confirmLeave to [${people.join(", ")}] in the stack's configuration.`;
  const phrase = (who: OsUser, ofHost: string | undefined) =>
    `${who} loses ${losing.get(who) ?? `${ofHost} by an earlier deployment, which did not complete there`}`;
  return [...ofStack.map(({ kind, reason }) => ({ kind, reason, losers: losing })), ...ofHosts].map(
    ({ kind, reason, losers }) => {
      const what = [...losers].map(([who, ofHost]) => phrase(who, ofHost)).join("; ");
      return { kind, people, message: `${reason}: ${what}. ${release}` };
    },
  );
}

/** The limits that count the people of all hosts together, each with the start of its sentence. */
function exceededStackLimits(
  before: Before,
  desired: Desired,
  losing: number,
  policy: Policy,
): readonly { readonly kind: ExceededLimit["kind"]; readonly reason: string }[] {
  const exceeded: { kind: ExceededLimit["kind"]; reason: string }[] = [];
  const formerly = [...before.people].filter(([, entry]) => entry.leftOn === undefined);
  const nameNow = new Map([...before.renamed].map(([now, was]) => [was, now]));
  const holders = holdersOfRun(before, desired);
  // An account that another login opens from now on is another person's.
  const stillIn = formerly.flatMap(([user, { authentikUser: was }]) => {
    const person = desired.people.get(nameNow.get(user) ?? user);
    if (person === undefined) return [];
    const { osUser: who, authentikUser: is, previously } = person;
    return isRename({ kind: "authentikUser", who, was, is, previously }, holders) ? [person] : [];
  });
  if (losing > policy.removalLimit) {
    exceeded.push({
      kind: "limit",
      reason: `${counted(losing, "person", "people")} of ${formerly.length} would lose rights, and this stack allows ${policy.removalLimit} at once`,
    });
  }
  if (formerly.length > 0 && stillIn.length === 0)
    exceeded.push({ kind: "last-person", reason: "Nobody who is on the roster today would be left" });
  const adminsBefore = formerly.filter(([, entry]) => TIERS[entry.tier].administers).length;
  const adminsAfter = stillIn.filter((person) => TIERS[person.tier].administers).length;
  if (adminsAfter < adminsBefore && adminsAfter < policy.minimumAdmins) {
    exceeded.push({
      kind: "fewest-admins",
      reason: `${counted(adminsAfter, "admin", "admins")} of today's ${adminsBefore} would be left, and this stack requires at least ${policy.minimumAdmins}`,
    });
  }
  return exceeded;
}

/** Exactly these people and nobody else: a confirmation of one plan cannot confirm another. */
function isConfirmed(people: readonly OsUser[], confirmed: readonly string[]): boolean {
  const names = new Set(confirmed);
  return names.size === people.length && people.every((user) => names.has(user));
}
