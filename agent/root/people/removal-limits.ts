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
export function brakeMaps(before: MapsPart | undefined, next: MapsPart): void {
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
      `addsOnly is set, and ${leaving.join(", ")} would lose this host; deliver them as present, or release addsOnly`,
    );
  }
  if (leaving.length > next.removalLimit || last) {
    throw new Refusal(
      `${leaving.length} of ${held.length} people would lose this host: ${leaving.join(", ")}. It allows ` +
        `${next.removalLimit} at once, and never the last one. If that is meant, name them in confirmLeave: [${leaving.join(", ")}]`,
    );
  }
  if (admins.length > 0 && next.admins.length === 0) {
    throw new Refusal(
      `nobody would be an admin of this host any more: ${admins.join(", ")}. If that is meant, name them in confirmLeave: [${admins.join(", ")}]`,
    );
  }
  if (forgotten.length > 0) {
    throw new Refusal(
      `${forgotten.join(", ")} held this host and is delivered neither as present nor as left; nobody is forgotten`,
    );
  }
}

/** What one run may still cut. */
export interface CutAllowance {
  /** @throws Refusal when this person's cut is not allowed now. */
  take(who: string): void;
}

/** A delivery cuts whom its maps part counts as left; without that count nobody is cut. */
export function deliveryAllowance(maps: MapsPart | undefined): CutAllowance {
  return {
    take: (who) => {
      if (maps === undefined)
        throw new Refusal(`${who} is delivered as left, and no maps part counts them; the maps part comes first`);
      if (maps.addsOnly) throw new Refusal(`${who} is delivered as left while addsOnly suspends every removal`);
      if (!maps.left.includes(who))
        throw new Refusal(`${who} is delivered as left, and the maps part does not count them as left`);
    },
  };
}

export interface HourlyFacts {
  readonly maps: MapsPart | undefined;
  readonly removalLimit: number;
  readonly maxStateAgeHours: number;
  /** When a delivery last ended, ms since 1970. */
  readonly deliveredAtMs: number | undefined;
  readonly nowMs: number;
}

const HOUR_MS = 3_600_000;

/** Why what was last delivered is too old to cut anybody by; undefined when it is not. */
export function unfitForRemovals(facts: Omit<HourlyFacts, "maps" | "removalLimit">): string | undefined {
  const { deliveredAtMs, nowMs, maxStateAgeHours } = facts;
  const ageMs = deliveredAtMs === undefined ? undefined : nowMs - deliveredAtMs;
  // A clock that went back makes the age unknown, and unknown is not young.
  if (ageMs !== undefined && ageMs >= 0 && ageMs <= maxStateAgeHours * HOUR_MS) return undefined;
  return `the last delivery is older than ${maxStateAgeHours} h (or of unknown age), so nobody is cut; deploy once more`;
}

/** The hourly run: the same, from a state that is young enough, and only so many at once. */
export function hourlyAllowance(facts: HourlyFacts): CutAllowance {
  const ofDelivery = deliveryAllowance(facts.maps);
  const unfit = unfitForRemovals(facts);
  let cut = 0;
  return {
    take: (who) => {
      ofDelivery.take(who);
      if (unfit !== undefined) throw new Refusal(`${who} left, and ${unfit}`);
      if (cut >= facts.removalLimit) {
        throw new Refusal(
          `${who} left, and this run has cut ${cut} already, which is all that one hourly run may; a deployment or the next run goes on`,
        );
      }
      cut += 1;
    },
  };
}
