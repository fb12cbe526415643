/**
 * Ends an update of a clone, also one that was broken off: undoes it unless git finished it, and restores what was written
 * meanwhile.
 */

import { Refusal } from "../../lib/errors.ts";
import { describeGitFailure } from "../../lib/git.ts";
import { type CloneContext, displayPath } from "../home/step-context.ts";
import { type BytePath, readable } from "./changed-files.ts";
import { describeFilterFailure } from "./describe-filter-failure.ts";
import { firstOf } from "./find-unsafe-state.ts";
import { lockClone } from "./lock-clone.ts";
import { restoreWrittenFiles } from "./preserve-concurrent-writes.ts";
import { undoUpdate } from "./undo-update.ts";
import { closeJournal, hasJournal, notRemoved, readJournal, stillAtWork } from "./update-journal.ts";

export const AT_WORK = {
  process: "is being updated by another process, so it is not updated by this one",
  lock: "has an update that was broken off and a .git/index.lock, so it is left as it is: remove that file when no git works there",
} as const;

/**
 * An earlier update was killed half way: first of all the clone is as before, with what its person wrote in it.
 *
 * @returns a sentence that says why the clone cannot be worked on
 */
export async function closeBrokenOff(context: CloneContext, clone: string): Promise<string | undefined> {
  if (!hasJournal(clone)) return undefined;
  const name = displayPath(context, clone);
  if (context.mode === "check") {
    const atWork = stillAtWork(clone);
    return atWork === undefined
      ? `${name}: an update was broken off; the next run undoes it`
      : `${name} ${AT_WORK[atWork]}`;
  }
  const lock = lockClone(clone);
  if (lock === undefined) return `${name} ${AT_WORK.process}`;
  try {
    return await closeLocked(context, clone);
  } finally {
    lock.release();
  }
}

/** Under the lock; the journal also tells of the processes of an earlier version, which take none. */
export async function closeLocked(context: CloneContext, clone: string): Promise<string | undefined> {
  const atWork = stillAtWork(clone);
  const name = displayPath(context, clone);
  if (atWork !== undefined) return `${name} ${AT_WORK[atWork]}`;
  const { undone, except } = await closeUpdate(context, clone);
  if (undone) context.warn(`${name}: an update that was broken off has been undone${except}`);
  return undefined;
}

export interface Closed {
  /** The commit that the clone is at. */
  readonly head?: string;
  /** Whether something had to be undone. */
  readonly undone: boolean;
  /** The end of a sentence that names the files which could not be undone; empty where there are none. */
  readonly except: string;
}

/** Undoes the update unless the clone is at its commit, and closes the journal. */
export async function closeUpdate(context: CloneContext, clone: string): Promise<Closed> {
  if (!hasJournal(clone)) return { undone: false, except: "" };
  const journal = readJournal(clone);
  const ran = await context.git.run(["rev-parse", "HEAD^{commit}"], { in: clone });
  if (ran.code !== 0)
    throw new Refusal(`${displayPath(context, clone)} cannot be inspected: ${describeGitFailure(ran)}`);
  const head = ran.stdout.trim();
  const undone = head === journal.from ? await undoUpdate(context, clone, journal) : undefined;
  for (const path of head === journal.to ? notRemoved(clone, journal) : [])
    context.warn(
      `${displayPath(context, clone)}/${readable(path)} is removed by the update, but could not be deleted: it stays, untracked`,
    );
  const back = undone?.beside ?? (await restoreWrittenFiles(clone, journal, () => touchedIn(context, clone)));
  for (const path of back)
    context.warn(
      `${displayPath(context, clone)}/${readable(path)} was written to during the update: it is as it was written`,
    );
  closeJournal(clone);
  return { head, undone: undone?.changed === true, except: exceptFor(undone?.unclear ?? []) };
}

const exceptFor = (paths: readonly BytePath[]): string =>
  paths.length === 0
    ? ""
    : ` except for ${firstOf(paths.map(readable))}, which the update or its person wrote meanwhile`;

async function touchedIn(context: CloneContext, clone: string): Promise<ReadonlySet<string>> {
  const options = ["--porcelain", "-z", "--no-renames", "--untracked-files=all", "--ignore-submodules=all"];
  const ran = await context.git.run(["status", ...options], { in: clone, bytes: true });
  if (ran.code !== 0) {
    const why = await describeFilterFailure(context, clone, ran);
    throw new Refusal(`${displayPath(context, clone)} cannot be inspected: ${why}`);
  }
  // `XY path`, one after the other.
  return new Set(ran.stdout.split("\0").map((entry) => entry.slice(3)));
}
