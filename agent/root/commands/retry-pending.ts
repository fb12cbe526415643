/**
 * Implements `workstation finish`: retries in the background what slow remotes still owe, with the time of a first
 * clone. A lock of its own, and one per user, keep it from delaying other runs.
 */

import { messageOf } from "../../lib/errors.ts";
import { info, warn } from "../../lib/log.ts";
import { machineOf } from "../system/cached-accounts-and-units.ts";
import { removeChangeDigest } from "../state/change-digests.ts";
import { loadPart } from "../state/stored-parts.ts";
import { readHold } from "../state/deliveries.ts";
import type { System } from "../system/privileged-operations.ts";
import {
  usersWithPendingRemotes,
  removePendingRemote,
  isDue,
  readPendingRemote,
  writePendingRemote,
} from "../state/pending-remotes.ts";
import { callWorker } from "../people/call-worker.ts";

const FIRST_CLONE_MS = 15 * 60_000;

/** Exit code 0 always: what still waits is said, kept, and tried again later. */
export async function retryPending(sys: System, nowMs: number, failpoint: string | undefined): Promise<number> {
  if (readHold(sys) !== undefined) return 0;
  const due = usersWithPendingRemotes(sys).filter((osUser) => {
    const of = readPendingRemote(sys, osUser);
    return of !== undefined && isDue(of, nowMs);
  });
  // Nearly all of it is waiting, and each wait has its deadline.
  await Promise.all(due.map((osUser) => one(sys, osUser, failpoint)));
  return 0;
}

async function one(sys: System, osUser: string, failpoint: string | undefined): Promise<void> {
  const before = readPendingRemote(sys, osUser);
  const part = loadPart(sys, "clones", osUser);
  const user = machineOf(sys).accounts().users.get(osUser);
  if (before === undefined || part?.state !== "present" || user?.uid !== part.uid)
    return removePendingRemote(sys, osUser);
  let done = false;
  try {
    const lines = await callWorker(sys, { user, part, mode: "apply", deadlineMs: FIRST_CLONE_MS, failpoint });
    for (const line of lines) {
      if (line.kind === "changed") info(`${osUser}: ${line.says}`);
      else if ("says" in line) warn(`${osUser}: warning: ${line.says}`);
    }
    done = !lines.some(({ kind }) => kind === "unfinished");
  } catch (error) {
    warn(`${osUser}: clones: ${messageOf(error)}`);
  }
  removeChangeDigest(sys, osUser);
  // A delivery may have taken the entry away in the meantime: then it has tried by itself.
  if (done || readPendingRemote(sys, osUser) === undefined) removePendingRemote(sys, osUser);
  else writePendingRemote(sys, osUser, { ...before, tries: before.tries + 1, triedMs: Date.now() });
}
