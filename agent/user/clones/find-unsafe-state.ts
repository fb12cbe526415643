/** Finds why a clone must not be updated now although it is behind: an operation that is not finished, or uncommitted work. */

import { realpathSync } from "node:fs";
import { join } from "node:path";
import { describeGitFailure } from "../../lib/git.ts";
import { clean } from "../../lib/log.ts";
import { lstat } from "../../lib/files.ts";
import type { CloneContext } from "../home/step-context.ts";
import { type BytePath, readable } from "./changed-files.ts";
import { describeFilterFailure } from "./describe-filter-failure.ts";

/** What git keeps below `.git` while an operation waits for its person. `git am` and a rebase share a folder. */
const OPERATIONS = [
  ["rebase-merge", "a rebase"],
  ["rebase-apply/applying", "git am"],
  ["rebase-apply", "a rebase"],
  ["MERGE_HEAD", "a merge"],
  ["CHERRY_PICK_HEAD", "a cherry-pick"],
  ["REVERT_HEAD", "a revert"],
  ["sequencer", "several cherry-picks or reverts"],
  ["BISECT_LOG", "a bisection"],
] as const;

/** The operation that the clone is in the middle of. */
export const unfinishedOperation = (clone: string): string | undefined =>
  OPERATIONS.find(([path]) => lstat(join(clone, ".git", path)) !== undefined)?.[1];

/**
 * Settings under which git sees every change: files of the person's outside of a sparse checkout count, whatever they told
 * git to expect there, and so does a file whose time and size were put back.
 */
export const SEES_ALL = [
  "sparse.expectFilesOutsideOfPatterns=false",
  "core.trustctime=true",
  "core.checkStat=default",
].flatMap((setting) => ["-c", setting]);

export interface UnsafeState {
  /** What a sentence about the clone says of it: "has uncommitted changes". */
  readonly says: string;
  /** What git said, where it is git that failed. */
  readonly reason?: string;
}

/** @returns undefined where nothing is in the way of an update */
export async function findUnsafeState(context: CloneContext, clone: string): Promise<UnsafeState | undefined> {
  const operation = unfinishedOperation(clone);
  if (operation !== undefined) return { says: `is in the middle of ${operation}` };
  const top = await context.git.run(["rev-parse", "--show-toplevel"], { in: clone, bytes: true });
  if (top.code !== 0) return { says: "cannot be read by git", reason: describeGitFailure(top) };
  if (top.stdout.replace(/\n$/, "") !== realpathSync(clone, { encoding: "latin1" }))
    return { says: "has its files in another directory (core.worktree)" };
  const options = ["--porcelain", "-z", "--no-renames", "--untracked-files=no", "--ignore-submodules=all"];
  const status = await context.git.run([...SEES_ALL, "status", ...options], { in: clone, bytes: true });
  if (status.code !== 0) {
    const reason = await describeFilterFailure(context, clone, status);
    return { says: "cannot be compared with its last commit", reason };
  }
  const changes = describeChanges(status.stdout);
  return changes === undefined ? undefined : { says: changes };
}

/** @param status as `git status --porcelain -z` lists changes: `XY path`, one after the other */
function describeChanges(status: string): string | undefined {
  const entries = status.split("\0").filter((entry) => entry !== "");
  const named = (states: RegExp) =>
    entries.filter((entry) => states.test(entry)).map((entry): BytePath => entry.slice(3));
  const conflicts = named(/^(U.|.U|AA|DD) /);
  if (conflicts.length > 0) return `has conflicts that are not resolved, in ${firstOf(conflicts.map(readable))}`;
  const announced = named(/^ A /);
  if (announced.length > 0 && announced.length === entries.length)
    return `has files that git add has only announced (--intent-to-add), ${firstOf(announced.map(readable))}`;
  return entries.length > 0 ? "has uncommitted changes" : undefined;
}

/** Of the files that keep a clone from being updated; the others are counted. */
const MOST_NAMED = 5;

/** The first of the paths in one line. */
export const firstOf = (paths: readonly string[]): string =>
  clean(
    paths.length <= MOST_NAMED
      ? paths.join(", ")
      : `${paths.slice(0, MOST_NAMED).join(", ")} and ${paths.length - MOST_NAMED} more`,
  );
