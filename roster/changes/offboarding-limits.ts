/**
 * Finds the safety limits that a run would exceed: how many people may lose rights at once, and who must not be the
 * last. They stop the run before the first write.
 */

import type { Desired, OsUser, Policy } from "../model.ts";
import { counted, listed } from "../text/quote.ts";
import { TIERS } from "../tiers.ts";
import { type Before, holdersOfRun, type PersonChange } from "./compare-ledgers.ts";
import { isRename } from "./identity-holders.ts";

export interface ExceededLimit {
  readonly kind: "limit" | "last-person" | "fewest-admins";
  /** Who would lose something, by name: what `confirmLeave` must list, no more and no less. */
  readonly people: readonly OsUser[];
  /** One sentence that names them and the release. */
  readonly message: string;
}

/**
 * The brakes that this difference trips; none when exactly its losers are confirmed by name. Who else joins in the same
 * run never counts: ten newcomers license no removal. Leaving, a lower tier, a lost push, namespace, identity or host
 * are losses alike.
 */
export function findExceededLimits(
  before: Before,
  desired: Desired,
  changes: readonly PersonChange[],
  policy: Policy,
): readonly ExceededLimit[] {
  const losing = changes.filter((change) => change.lost.length > 0);
  const people = losing.map((change) => change.who);
  if (people.length === 0 || isConfirmed(people, policy.confirmLeave)) return [];
  const release = `If that is meant, set confirmLeave to [${people.join(", ")}] in the stack's configuration.`;
  const what = losing.map((change) => `${change.who} loses ${listed(change.lost)}`).join("; ");
  const brakes: ExceededLimit[] = [];
  const trip = (kind: ExceededLimit["kind"], reason: string) =>
    brakes.push({ kind, people, message: `${reason}: ${what}. ${release}` });
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
  if (losing.length > policy.removalLimit) {
    trip(
      "limit",
      `${counted(losing.length, "person", "people")} of ${formerly.length} would lose rights, and this stack allows ${policy.removalLimit} at once`,
    );
  }
  if (formerly.length > 0 && stillIn.length === 0)
    trip("last-person", "Nobody who is on the roster today would be left");
  const adminsBefore = formerly.filter(([, entry]) => TIERS[entry.tier].administers).length;
  const adminsAfter = stillIn.filter((person) => TIERS[person.tier].administers).length;
  if (adminsAfter < adminsBefore && adminsAfter < policy.minimumAdmins) {
    trip(
      "fewest-admins",
      `${counted(adminsAfter, "admin", "admins")} of today's ${adminsBefore} would be left, and this stack requires at least ${policy.minimumAdmins}`,
    );
  }
  return brakes;
}

/** Exactly these people and nobody else: a confirmation of one plan cannot confirm another. */
function isConfirmed(people: readonly OsUser[], confirmed: readonly string[]): boolean {
  const names = new Set(confirmed);
  return names.size === people.length && people.every((user) => names.has(user));
}
