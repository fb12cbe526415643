/**
 * Records whose remotes did not answer in time. Later runs do not wait for them; `workstation finish` retries them in
 * the background.
 */

import { z } from "zod";
import { Refusal } from "../../lib/errors.ts";
import { describeFailure } from "../../lib/exec.ts";
import { warn } from "../../lib/log.ts";
import { readJson, STATE, writeJson } from "./json-files.ts";
import type { System } from "../system/privileged-operations.ts";

const unfinished = z.strictObject({
  sinceMs: z.number(),
  /** How often the background has tried since, and when it last gave up. */
  tries: z.int(),
  triedMs: z.number().optional(),
});
export type PendingRemote = z.output<typeof unfinished>;

const FOLDER = `${STATE}/unfinished`;
export const pendingRemoteFile = (osUser: string): string => `${FOLDER}/${osUser}.json`;

/** A damaged record is one of a remote that no retry has asked yet. */
export function readPendingRemote(sys: System, osUser: string): PendingRemote | undefined {
  try {
    return readJson(sys, pendingRemoteFile(osUser), unfinished);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { sinceMs: sys.look(pendingRemoteFile(osUser))?.mtimeMs ?? 0, tries: 0 };
  }
}
export const writePendingRemote = (sys: System, osUser: string, of: PendingRemote): void =>
  writeJson(sys, pendingRemoteFile(osUser), of);
export const removePendingRemote = (sys: System, osUser: string): void => sys.remove(pendingRemoteFile(osUser));

/** By name. */
export const usersWithPendingRemotes = (sys: System): readonly string[] =>
  (sys.list(FOLDER) ?? []).flatMap((file) => /^([a-z_][a-z0-9_-]*)\.json$/.exec(file)?.[1] ?? []).sort();

const HOUR_MS = 3_600_000;
const LONGEST_WAIT_MS = 24 * HOUR_MS;

/** At once the first time, then after an hour, two, four, up to a day. A clock that went back makes nobody wait longer. */
export function isDue({ tries, triedMs }: PendingRemote, nowMs: number): boolean {
  if (triedMs === undefined || nowMs < triedMs) return true;
  // Five minutes less, so that an hourly run does not miss its hour by seconds.
  return nowMs - triedMs >= Math.min(HOUR_MS * 2 ** (tries - 1), LONGEST_WAIT_MS) - HOUR_MS / 12;
}

/** Starts the background run when it has something to do. One that is running already goes on as it is. */
export async function startBackgroundRetry(sys: System, nowMs: number): Promise<void> {
  const due = usersWithPendingRemotes(sys).some((osUser) => {
    const of = readPendingRemote(sys, osUser);
    return of !== undefined && isDue(of, nowMs);
  });
  if (!due) return;
  const ran = await sys.run(["/usr/bin/systemctl", "start", "--no-block", "workstation-finish.service"]);
  if (ran.code !== 0) warn(`warning: the background retry could not be started: ${describeFailure(ran)}`);
}
