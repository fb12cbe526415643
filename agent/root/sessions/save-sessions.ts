/** Implements `tmux-persist save`: records the running sessions of each user of the terminal map. */

import { writeOwnFiles } from "../facts/publish-facts.ts";
import { tell } from "../../lib/errors.ts";
import { say, warn } from "../../lib/log.ts";
import type { User } from "../system/account-database.ts";
import type { System } from "../system/privileged-operations.ts";
import { afterLook } from "./next-record.ts";
import { append, readNewest, writeLooks } from "../state/session-records.ts";
import { lookAt } from "./observe-sessions.ts";
import { forEachPerson, mappedPeople } from "../accounts/terminal-users.ts";

/** Exit code 1 when somebody's sessions could not be looked at: who, and why. Theirs are as recorded before. */
export async function save(sys: System, now: () => number): Promise<number> {
  const results = await forEachPerson(mappedPeople(sys), (user) => saveOne(sys, user, now), tell);
  const failed = results.filter((r) => "failed" in r);
  for (const result of failed) warn(`${result.who}: their sessions are not recorded: ${result.failed}`);
  const looked = results.flatMap((r) => ("found" in r && r.found > 0 ? [r.who] : []));
  if (looked.length > 0) writeLooks(sys, looked, now());
  writeOwnFiles(sys);
  return failed.length > 0 ? 1 : 0;
}

/** @returns how many sessions were seen. */
async function saveOne(sys: System, user: User, now: () => number): Promise<number> {
  const look = await lookAt(sys, user, true);
  look.remember();
  const seen = look.observation;
  if (seen.server === "none") return 0;
  for (const sentence of seen.warnings) warn(`${user.name}: ${sentence}`);
  const next = afterLook(readNewest(sys, user.name), seen.sessions, now());
  if (next !== undefined) {
    append(sys, user.name, next);
    say(`${user.name}: recorded ${next.sessions.length} ${next.sessions.length === 1 ? "session" : "sessions"}`);
  }
  return seen.sessions.length;
}
