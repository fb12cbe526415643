/** Implements `tmux-persist forget <user> <session>`: a session that was ended on purpose is not restored any more. */

import { Refusal } from "../../lib/errors.ts";
import { info } from "../../lib/log.ts";
import type { System } from "../system/privileged-operations.ts";
import { recordAfterForgetting } from "./compute-record.ts";
import { appendRecord, readNewest } from "../state/session-records.ts";
import { knownPerson } from "../accounts/terminal-users.ts";

/** @throws Refusal when no session of that very name is recorded. */
export function forget(sys: System, osUser: string, name: string, nowMs: number): number {
  const user = knownPerson(sys, osUser);
  const before = readNewest(sys, user.name);
  const next = recordAfterForgetting(before, name, nowMs);
  if (next === undefined) {
    const names = (before?.sessions ?? []).map((session) => session.name).join(", ");
    throw new Refusal(`${osUser} has no recorded session "${name}"; recorded: ${names === "" ? "none" : names}`);
  }
  appendRecord(sys, user.name, next);
  info(`${osUser}: ${name}: forgotten`);
  return 0;
}
