/**
 * Implements `tmux-persist forget-chosen <user> --record N --sessions LIST`: their own process notes that these sessions
 * are not to be brought back.
 */

import { Refusal, messageOf } from "../../lib/errors.ts";
import { info, warn } from "../../lib/log.ts";
import { forEachPerson, isParked, knownPerson } from "../accounts/terminal-users.ts";
import { readNumbered } from "../state/session-records.ts";
import type { System } from "../system/privileged-operations.ts";
import { forgetByWorker } from "./call-worker.ts";
import { sessionsAt } from "./compute-record.ts";

export interface ForgetArgs {
  readonly who: string;
  readonly record: number;
  /** Places in that record. */
  readonly places: readonly number[];
  readonly json: boolean;
}

/** Exit code 1 when it could not be noted. @throws Refusal for a parked user, and for a place that the record has not. */
export async function forgetChosen(sys: System, { who, record, places, json }: ForgetArgs): Promise<number> {
  if (isParked(sys, who) === true)
    throw new Refusal(`${who} is parked on this host, so their sessions stay as they are`);
  const user = knownPerson(sys, who);
  const names = sessionsAt(readNumbered(sys, who, record), record, places).map(({ name }) => name);
  const results = await forEachPerson([user], () => forgetByWorker(sys, user, names), messageOf);
  if (json) process.stdout.write(`${JSON.stringify({ people: results })}\n`);
  else
    for (const result of results) {
      if ("failed" in result) warn(`${who}: sessions not forgotten: ${result.failed}`);
      else {
        for (const name of result.found.forgotten) info(`${who}: ${name}: forgotten`);
        for (const name of result.found.running) info(`${who}: ${name}: not forgotten, since it runs`);
      }
    }
  return results.some((result) => "failed" in result) ? 1 : 0;
}
