/**
 * Lists the changes of one person with time, commit, pusher and deployment. Both forms of `./ws history` use this list.
 */

import { minuteOf } from "../format-time.ts";
import type { Deliveries } from "./find-deployment.ts";
import { namesOf, type Replay } from "./events.ts";

export interface Entry {
  /** ISO 8601, of the commit. */
  readonly at: string;
  readonly who: string;
  readonly what: string;
  readonly commit: string;
  readonly subject: string;
  /** By the forge's login; null where nothing says who. */
  readonly pusher: string | null;
  /** ISO 8601; null while it is not. */
  readonly deployedAt: string | null;
  /** ISO 8601, of the last deployment that failed with it; null where none did, or one has ended well since. */
  readonly failedAt: string | null;
}

/** @param deliveries undefined where the stack's own memory was not asked. @returns undefined for a name that nobody ever had */
export function entriesFor(name: string, { events, ledger }: Replay, deliveries: Deliveries | undefined) {
  const names = namesOf(name, ledger);
  if (names === undefined) return undefined;
  const entries = events
    .filter(({ who }) => names.includes(who))
    .map(({ commit, who, what }): Entry => {
      const done = deliveries?.of(commit.hash);
      const failed = deliveries?.failedOf(commit.hash);
      return {
        at: commit.at,
        who,
        what,
        commit: commit.hash,
        subject: oneLine(commit.subject),
        pusher: done?.pusher ?? failed?.pusher ?? null,
        deployedAt: done?.at ?? null,
        failedAt: failed?.at ?? null,
      };
    });
  return { names, entries };
}

/** `2026-11-03 emo: …; commit abc1234, pushed by vbarzin, deployed 2026-11-03 12:03 UTC` */
export function sentenceOf(entry: Entry, isSelected: boolean): string {
  const { at, who, what, commit, pusher, deployedAt, failedAt } = entry;
  const pushed = pusher === null ? [] : [`pushed by ${pusher}`];
  const by = pusher === null ? " by hand" : "";
  const deployed =
    deployedAt !== null
      ? [`deployed${by} ${minuteOf(deployedAt)} UTC`]
      : failedAt !== null
        ? [`not deployed: the attempt of ${minuteOf(failedAt)} UTC failed`]
        : ["not deployed yet"];
  return `${at.slice(0, 10)} ${who}: ${what}; ${[`commit ${commit.slice(0, 12)}`, ...pushed, ...(isSelected ? deployed : [])].join(", ")}`;
}

/** A commit's subject is anybody's words. */
const oneLine = (text: string): string => text.replace(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]+/gu, " ");
