/**
 * Records whose remotes did not answer in time. Later runs do not wait for them; `workstation finish` retries them in
 * the background.
 */

import { z } from "zod";
import { story } from "../../lib/exec.ts";
import { warn } from "../../lib/log.ts";
import { readJson, STATE, writeJson } from "./json-files.ts";
import type { System } from "../system/privileged-operations.ts";

const unfinished = z.strictObject({
  sinceMs: z.number(),
  /** How often the background has tried since, and when it last gave up. */
  tries: z.int(),
  triedMs: z.number().optional(),
});
export type Unfinished = z.output<typeof unfinished>;

const ROOM = `${STATE}/unfinished`;
export const unfinishedFile = (who: string): string => `${ROOM}/${who}.json`;

export const readUnfinished = (sys: System, who: string): Unfinished | undefined =>
  readJson(sys, unfinishedFile(who), unfinished);
export const writeUnfinished = (sys: System, who: string, of: Unfinished): void =>
  writeJson(sys, unfinishedFile(who), of);
export const forgetUnfinished = (sys: System, who: string): void => sys.remove(unfinishedFile(who));

/** By name. */
export const allUnfinished = (sys: System): readonly string[] =>
  (sys.list(ROOM) ?? []).flatMap((file) => /^([a-z_][a-z0-9_-]*)\.json$/.exec(file)?.[1] ?? []).sort();

const HOUR_MS = 3_600_000;
const LONGEST_WAIT_MS = 24 * HOUR_MS;

/** At once the first time, then after an hour, two, four, up to a day. A clock that went back makes nobody wait longer. */
export function isDue({ tries, triedMs }: Unfinished, nowMs: number): boolean {
  if (triedMs === undefined || nowMs < triedMs) return true;
  // Five minutes less, so that an hourly run does not miss its hour by seconds.
  return nowMs - triedMs >= Math.min(HOUR_MS * 2 ** (tries - 1), LONGEST_WAIT_MS) - HOUR_MS / 12;
}

/** Starts the background run when it has something to do. One that is running already goes on as it is. */
export async function startFinish(sys: System, nowMs: number): Promise<void> {
  const due = allUnfinished(sys).some((who) => {
    const of = readUnfinished(sys, who);
    return of !== undefined && isDue(of, nowMs);
  });
  if (!due) return;
  const ran = await sys.run(["/usr/bin/systemctl", "start", "--no-block", "workstation-finish.service"]);
  if (ran.code !== 0) warn(`warning: the background retry could not be started: ${story(ran)}`);
}
