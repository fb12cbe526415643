/**
 * Enforces this host's removal limits, counted against what it already holds and not against what the program has
 * counted.
 */

import type { AccountPart, MapsPart } from "../../contract.ts";
import { Refusal } from "../../lib/errors.ts";

/**
 * Stops before anything is written when more people would lose this host or an admin's groups than its part allows, when
 * it would be the last of them, or when no admin would be left. Released by name, so that it cannot release another plan.
 *
 * @throws Refusal that names them, and the key that releases.
 */
export function assertRemovalLimits(before: Pick<MapsPart, "present" | "admins"> | undefined, next: MapsPart): void {
  if (before === undefined) return;
  const nameNow = new Map(next.renamed?.flatMap(({ osUser, formerNames }) => formerNames.map((was) => [was, osUser])));
  const held = before.present.map((osUser) => nameNow.get(osUser) ?? osUser);
  const present = new Set(next.present);
  const confirmed = new Set(next.confirmLeave);
  const leaving = held.filter((osUser) => !present.has(osUser) && !confirmed.has(osUser));
  const kept = held.filter((osUser) => present.has(osUser)).length;
  const last = kept === 0 && held.length > 0 && leaving.length > 0;
  const forgotten = held.filter((osUser) => !present.has(osUser) && !next.left.includes(osUser));
  const admins = before.admins
    .map((osUser) => nameNow.get(osUser) ?? osUser)
    .filter((osUser) => !next.admins.includes(osUser) && !confirmed.has(osUser));
  if (next.addsOnly && leaving.length > 0) {
    throw new Refusal(
      `addsOnly is set, and ${leaving.join(", ")} would lose access to this host; deliver them as present, or set addsOnly to false`,
    );
  }
  const demoted = admins.filter((osUser) => present.has(osUser));
  const losing = [...leaving, ...demoted];
  if (losing.length > next.removalLimit || last) {
    const what = [
      ...(leaving.length > 0 ? [`lose access to this host: ${leaving.join(", ")}`] : []),
      ...(demoted.length > 0 ? [`lose the groups of an admin: ${demoted.join(", ")}`] : []),
    ].join("; or ");
    throw new Refusal(
      `${losing.length} of ${held.length} users would ${what}. The limit is ` +
        `${next.removalLimit} at once, and never the last user. To confirm, list them in confirmLeave: [${losing.join(", ")}]`,
    );
  }
  if (admins.length > 0 && next.admins.length === 0) {
    throw new Refusal(
      `this host would have no admin any more, without ${admins.join(", ")}. To confirm, list them in confirmLeave: [${admins.join(", ")}]`,
    );
  }
  if (forgotten.length > 0) {
    throw new Refusal(
      `${forgotten.join(", ")}: has access to this host and must be delivered as present or as left; found neither`,
    );
  }
}

/**
 * What the host held, from its account parts and its admin list, where the maps part is damaged: a delivery of that part
 * repairs it, within the same limits. Whose account part is damaged as well counts as present.
 *
 * @param damaged users whose account part cannot be read
 */
export function heldWithoutMaps(
  accounts: readonly AccountPart[],
  damaged: readonly string[],
  adminList: string,
): Pick<MapsPart, "present" | "admins"> {
  const present = accounts.flatMap(({ osUser, state }) => (state === "present" ? [osUser] : []));
  const all = [...present, ...damaged];
  return { present: all, admins: adminList.split("\n").filter((line) => all.includes(line)) };
}

/** How many removals one run may still make: users to offboard, and users whose groups it takes. */
export interface RemovalAllowance {
  /** @throws Refusal when this user may not be offboarded now. */
  consume(osUser: string): void;
  /** @throws Refusal when this user's groups may not be taken now. */
  consumeGroups(osUser: string): void;
}

/**
 * Allows a delivery to offboard the users whom its maps part lists as left; without a maps part, nobody.
 *
 * @param load reads the maps part once a removal is asked for: one that is damaged keeps nothing else from converging
 */
export function deliveryAllowance(load: () => MapsPart | undefined): RemovalAllowance {
  return {
    consume: (osUser) => {
      const maps = load();
      if (maps === undefined)
        throw new Refusal(
          `${osUser} is delivered as left, but this host has no maps part to count removals by; deliver the maps part first`,
        );
      if (maps.addsOnly) throw new Refusal(`${osUser} is delivered as left, but addsOnly suspends every removal`);
      if (!maps.left.includes(osUser))
        throw new Refusal(`${osUser} is delivered as left, but not listed as left in the maps part`);
    },
    consumeGroups: (osUser) => {
      const maps = load();
      if (maps === undefined)
        throw new Refusal(
          `${osUser} is delivered without groups of their former tier, but this host has no maps part to count removals by; deliver the maps part first`,
        );
      if (maps.addsOnly)
        throw new Refusal(
          `${osUser} is delivered without groups of their former tier, but addsOnly suspends every removal`,
        );
    },
  };
}

export interface HourlyInput {
  /** @throws Refusal when the maps part is damaged */
  readonly maps: () => MapsPart | undefined;
  readonly removalLimit: number;
  readonly maxStateAgeHours: number;
  /** When a delivery last ended, ms since 1970. */
  readonly deliveredAtMs: number | undefined;
  readonly nowMs: number;
}

const HOUR_MS = 3_600_000;

/** Why the last delivery is too old for removals; undefined when it is not. */
export function tooOldForRemovals(facts: Omit<HourlyInput, "maps" | "removalLimit">): string | undefined {
  const { deliveredAtMs, nowMs, maxStateAgeHours } = facts;
  const ageMs = deliveredAtMs === undefined ? undefined : nowMs - deliveredAtMs;
  // A clock that went back makes the age unknown, and unknown is not young.
  if (ageMs !== undefined && ageMs >= 0 && ageMs <= maxStateAgeHours * HOUR_MS) return undefined;
  return `the last delivery is older than ${maxStateAgeHours} h (or of unknown age), so nobody is offboarded; start the schedule "daily", which confirms the delivery`;
}

/** The hourly run: the same, from a state that is young enough, and only so many at once. */
export function hourlyAllowance(facts: HourlyInput): RemovalAllowance {
  const ofDelivery = deliveryAllowance(facts.maps);
  const unfit = tooOldForRemovals(facts);
  let removals = 0;
  const count = (notDone: string) => {
    if (unfit !== undefined) throw new Refusal(`${notDone}: ${unfit}`);
    if (removals >= facts.removalLimit) {
      throw new Refusal(
        `${notDone} yet: this hourly run has reached its limit of ${removals}; a deployment or the next run continues`,
      );
    }
    removals += 1;
  };
  return {
    consume: (osUser) => {
      ofDelivery.consume(osUser);
      count(`${osUser} is not offboarded`);
    },
    consumeGroups: (osUser) => {
      ofDelivery.consumeGroups(osUser);
      count(`${osUser} does not lose the groups of their former tier`);
    },
  };
}
