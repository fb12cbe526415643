/**
 * Implements `tmux-persist status [user] [--json]`: reports what runs, what could be restored, and how old the record
 * is.
 */

import { messageOf } from "../../lib/errors.ts";
import { info } from "../../lib/log.ts";
import type { User } from "../system/account-database.ts";
import type { System } from "../system/privileged-operations.ts";
import { numbersOf, readLastSeen, readNewest } from "../state/session-records.ts";
import { observeSessions } from "./observe-sessions.ts";
import { forEachPerson, mappedPeople, knownPerson } from "../accounts/terminal-users.ts";

export interface SessionsStatus {
  /** Names. */
  readonly running: readonly string[];
  /** Names of what a restore would bring back now. */
  readonly restorable: readonly string[];
  /** The numbers of the records that there are, oldest first. */
  readonly records: readonly number[];
  /** When the newest record was written, ISO 8601 in UTC; a record is written when the set changed. */
  readonly recorded: string | null;
  /** When the sessions were last seen by a save. */
  readonly looked: string | null;
}

/** Exit code 1 when somebody's server could not be asked. */
export async function sessionsStatus(
  sys: System,
  osUser: string | undefined,
  json: boolean,
  nowMs: number,
): Promise<number> {
  const people = osUser === undefined ? mappedPeople(sys) : [knownPerson(sys, osUser)];
  const looks = readLastSeen(sys);
  const results = await forEachPerson(people, (user) => statusOf(sys, user, looks), messageOf);
  if (json) process.stdout.write(`${JSON.stringify({ people: results })}\n`);
  else
    for (const result of results)
      info(`${result.who}: ${"failed" in result ? result.failed : sentence(result.found, nowMs)}`);
  return results.some((r) => "failed" in r) ? 1 : 0;
}

async function statusOf(sys: System, user: User, looks: ReadonlyMap<string, number>): Promise<SessionsStatus> {
  const seen = (await observeSessions(sys, user, false)).observation;
  const running = seen.server === "running" ? seen.sessions.map(({ name }) => name) : [];
  const newest = readNewest(sys, user.name);
  const looked = looks.get(user.name);
  return {
    running,
    restorable: (newest?.sessions ?? []).map(({ name }) => name).filter((name) => !running.includes(name)),
    records: numbersOf(sys, user.name),
    recorded: newest === undefined ? null : new Date(newest.takenAtMs).toISOString(),
    looked: looked === undefined ? null : new Date(looked).toISOString(),
  };
}

function sentence({ running, restorable, records, recorded, looked }: SessionsStatus, nowMs: number): string {
  const ago = (at: string | null) => (at === null ? "never" : `${age(nowMs - Date.parse(at))} ago`);
  const names = restorable.length === 0 ? "" : ` (${restorable.join(", ")})`;
  const range = records.length === 0 ? "" : `, records ${records[0]} to ${records.at(-1)}`;
  return (
    `${running.length} running, ${restorable.length} could be restored${names}; ` +
    `newest record written ${ago(recorded)}, last seen ${ago(looked)}${range}`
  );
}

function age(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return "less than a minute";
  if (minutes < 120) return `${minutes} min`;
  return minutes < 48 * 60 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 1440)} days`;
}
