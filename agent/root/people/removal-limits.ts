/**
 * Enforces this host's removal limits, counted against what it already holds and not against what the program has
 * counted.
 */

import type { MapsPart } from "../../contract.ts";
import { Refusal } from "../../lib/errors.ts";

/**
 * Stops before anything is written when more people would lose this host than its part allows, when it would be the
 * last of them, or when no admin would be left. Released by name, so that it cannot release another plan.
 *
 * @throws Refusal that names them, and the key that releases.
 */
export function assertRemovalLimits(before: MapsPart | undefined, next: MapsPart): void {
  if (before === undefined) return;
  const nameNow = new Map(next.renamed?.flatMap(({ osUser, formerNames }) => formerNames.map((was) => [was, osUser])));
  const held = before.present.map((who) => nameNow.get(who) ?? who);
  const present = new Set(next.present);
  const confirmed = new Set(next.confirmLeave);
  const leaving = held.filter((who) => !present.has(who) && !confirmed.has(who));
  const kept = held.filter((who) => present.has(who)).length;
  const last = kept === 0 && held.length > 0 && leaving.length > 0;
  const forgotten = held.filter((who) => !present.has(who) && !next.left.includes(who));
  const admins = before.admins
    .map((who) => nameNow.get(who) ?? who)
    .filter((who) => !next.admins.includes(who) && !confirmed.has(who));
  if (next.addsOnly && leaving.length > 0) {
    throw new Refusal(
      `addsOnly is set, and ${leaving.join(", ")} would lose access to this host; deliver them as present, or set addsOnly to false`,
    );
  }
  if (leaving.length > next.removalLimit || last) {
    throw new Refusal(
      `${leaving.length} of ${held.length} users would lose access to this host: ${leaving.join(", ")}. The limit is ` +
        `${next.removalLimit} at once, and never the last user. To confirm, list them in confirmLeave: [${leaving.join(", ")}]`,
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

/** How many users one run may still offboard. */
export interface RemovalAllowance {
  /** @throws Refusal when this user may not be offboarded now. */
  consume(who: string): void;
}

/** Allows a delivery to offboard the users whom its maps part lists as left; without a maps part, nobody. */
export function deliveryAllowance(maps: MapsPart | undefined): RemovalAllowance {
  return {
    consume: (who) => {
      if (maps === undefined)
        throw new Refusal(
          `${who} is delivered as left, but this host has no maps part to count removals by; deliver the maps part first`,
        );
      if (maps.addsOnly) throw new Refusal(`${who} is delivered as left, but addsOnly suspends every removal`);
      if (!maps.left.includes(who))
        throw new Refusal(`${who} is delivered as left, but not listed as left in the maps part`);
    },
  };
}

export interface HourlyInput {
  readonly maps: MapsPart | undefined;
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
  let offboarded = 0;
  return {
    consume: (who) => {
      ofDelivery.consume(who);
      if (unfit !== undefined) throw new Refusal(`${who} is not offboarded: ${unfit}`);
      if (offboarded >= facts.removalLimit) {
        throw new Refusal(
          `${who} is not offboarded yet: this hourly run has reached its limit of ${offboarded}; a deployment or the next run continues`,
        );
      }
      offboarded += 1;
    },
  };
}
