/** Implements `tmux-persist save`: records the running sessions of each user of the terminal map, by the account's present name. */

import { publishFacts } from "../facts/publish-facts.ts";
import { messageOf } from "../../lib/errors.ts";
import { info, warn } from "../../lib/log.ts";
import type { User } from "../system/account-database.ts";
import type { System } from "../system/privileged-operations.ts";
import { recordAfterLook } from "./compute-record.ts";
import { withRecorded } from "./keep-hidden.ts";
import { appendRecord, readNewest, readOffered, writeLastSeen } from "../state/session-records.ts";
import { observeSessions } from "./observe-sessions.ts";
import { forEachPerson, knownPerson, mappedPeople, peopleBeforeRename } from "../accounts/terminal-users.ts";

/**
 * @param osUser one user, who may be parked or wait for a rename; all of the terminal map and of the latter where absent
 * @returns 1 when somebody's sessions could not be looked at: who, and why. Theirs are as recorded before.
 */
export async function save(sys: System, now: () => number, osUser?: string): Promise<number> {
  const renaming = peopleBeforeRename(sys);
  const people =
    osUser === undefined
      ? [...mappedPeople(sys), ...renaming]
      : [renaming.find(({ name }) => name === osUser) ?? knownPerson(sys, osUser)];
  // Before the looks: a session that ends and is forgotten during this save was last seen before that.
  const atMs = now();
  const results = await forEachPerson(people, (user) => saveOne(sys, user, now), messageOf);
  const failed = results.filter((r) => "failed" in r);
  for (const result of failed) warn(`${result.who}: sessions not recorded: ${result.failed}`);
  const looked = results.flatMap((r) => ("found" in r && r.found > 0 ? [r.who] : []));
  if (looked.length > 0) writeLastSeen(sys, looked, atMs);
  publishFacts(sys);
  return failed.length > 0 ? 1 : 0;
}

/** @returns how many sessions were seen. */
async function saveOne(sys: System, user: User, now: () => number): Promise<number> {
  const atMs = now();
  const look = await observeSessions(sys, user, true);
  look.remember();
  const seen = look.observation;
  for (const sentence of seen.warnings ?? []) warn(`${user.name}: ${sentence}`);
  if (seen.server === "none") return 0;
  const before = readNewest(sys, user.name);
  const next = recordAfterLook(before, withRecorded(seen.sessions, before), atMs, () => readOffered(sys, user.name));
  if (next !== undefined) {
    appendRecord(sys, user.name, next);
    info(`${user.name}: recorded ${next.sessions.length} ${next.sessions.length === 1 ? "session" : "sessions"}`);
  }
  return seen.sessions.length;
}
