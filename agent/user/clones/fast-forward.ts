/**
 * Fetches every clone and fast-forwards it where that is certainly safe; any other clone is left as it is, with a
 * warning.
 */

import { Refusal, systemCode, messageOf } from "../../lib/errors.ts";
import type { Ran } from "../../lib/exec.ts";
import { type Change, type Step, says } from "../../lib/converge.ts";
import { describeGitFailure } from "../../lib/git.ts";
import { changedFiles, readable } from "./changed-files.ts";
import { clonesOf } from "./clone-paths.ts";
import { AT_WORK, closeBrokenOff, closeLocked, closeUpdate } from "./close-update.ts";
import { describeMergeFailure, describeObstacles } from "./describe-merge-failure.ts";
import { type DueUpdate, findDueUpdate } from "./find-due-update.ts";
import { findObstacles } from "./find-blocking-untracked-files.ts";
import { SEES_ALL } from "./find-unsafe-state.ts";
import { fetchRemotes } from "./fetch-remotes.ts";
import { type CloneLock, lockClone } from "./lock-clone.ts";
import { openJournal } from "./update-journal.ts";
import { type CloneContext, type StepContext, displayPath } from "../home/step-context.ts";

const UPDATE_TIMEOUT_MS = 60_000;

/** Updates a clone only on its branch, clean and with an upstream. Never merges, rebases or prompts. */
export function freshness(context: StepContext): Step {
  const fetched = new Set<string>();
  const refused = new Set<string>();
  const failed: string[] = [];
  let isSecondLook = false;
  const attempt = async <T>(clone: string, act: () => Promise<T>, otherwise: T): Promise<T> => {
    try {
      return await act();
    } catch (error) {
      refused.add(clone);
      failed.push(`${displayPath(context, clone)}: ${messageOf(error)}`);
      return otherwise;
    }
  };
  const changesIn = async (clone: string): Promise<readonly Change[]> => {
    if (context.mode === "apply" && !context.offline && !fetched.has(clone)) {
      fetched.add(clone);
      await fetchRemotes(context, clone);
    }
    if (refused.has(clone)) return [];
    const changes = await fastForwardChanges(context, clone, refused);
    return changes.map((change) => ({
      ...change,
      apply: () => attempt(clone, async () => change.apply(), "not done"),
    }));
  };
  return {
    name: "freshness",
    differences: async () => {
      const changes: Change[] = [];
      for (const clone of clonesOf(context)) changes.push(...(await attempt(clone, () => changesIn(clone), [])));
      // A clone that fails keeps none of the others from being updated: it is an error once they are.
      if (failed.length > 0 && changes.length === 0) throw new Refusal(failed.join("; "));
      // What is still due in the second look is the step's error, which names nothing else.
      if (context.mode === "check" || isSecondLook) for (const sentence of failed) context.warn(sentence);
      isSecondLook = true;
      return changes;
    },
  };
}

/** The one change that updates the clone, or none and a warning that says why not. */
export async function fastForwardChanges(
  context: CloneContext,
  clone: string,
  refused: Set<string>,
): Promise<readonly Change[]> {
  const brokenOff = await closeBrokenOff(context, clone);
  if (brokenOff !== undefined) {
    context.warn(brokenOff);
    return [];
  }
  const due = await findDueUpdate(context, clone);
  if (typeof due === "string") context.warn(due);
  if (due === undefined || typeof due === "string") return [];
  const apply = async () => {
    const outcome = await updateAlone(context, clone);
    if (outcome === "updated") return undefined;
    refused.add(clone);
    if (outcome !== "nothing is due") context.warn(outcome.why);
    return "not done" as const;
  };
  const what = `${displayPath(context, clone)}, ${due.branch} was ${due.track}`;
  return [{ point: "fast-forward", says: says("update", what), apply }];
}

type Outcome = "updated" | "nothing is due" | { readonly why: string };

/**
 * Minutes may lie between the look and the update, so the clone is looked at again under the lock: its person may have
 * switched the branch or begun a rebase, and another process may have updated it.
 *
 * @throws Refusal when the clone is half updated and cannot be put back
 */
async function updateAlone(context: CloneContext, clone: string): Promise<Outcome> {
  let lock: CloneLock | undefined;
  try {
    lock = lockClone(clone);
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return unchanged(context, clone, messageOf(error));
  }
  if (lock === undefined) return { why: `${displayPath(context, clone)} ${AT_WORK.process}` };
  try {
    const brokenOff = await closeLocked(context, clone);
    if (brokenOff !== undefined) return { why: brokenOff };
    const due = await findDueUpdate(context, clone);
    if (due === undefined) return "nothing is due";
    if (typeof due === "string") return { why: due };
    return await fastForward(context, clone, due, lock);
  } finally {
    lock.release();
  }
}

const unchanged = (context: CloneContext, clone: string, why: string, except = ""): Outcome => ({
  why: `${displayPath(context, clone)} was not updated, and is as it was before${except}: ${why}`,
});

/**
 * Updates the clone, or leaves it as it was. A journal is open meanwhile, by which the update is undone when git fails in
 * the middle of it: a filter that is missing, an object that is damaged, a disk that is full.
 *
 * @throws Refusal when it is half updated and cannot be put back
 */
async function fastForward(
  context: CloneContext,
  clone: string,
  { branch, upstream }: DueUpdate,
  lock: CloneLock,
): Promise<Outcome> {
  const refuse = (why: string, except?: string) => unchanged(context, clone, why, except);
  const commits = await context.git.run(["rev-parse", "HEAD^{commit}", `${upstream}^{commit}`], { in: clone });
  const [from = "", to = ""] = commits.stdout.split("\n");
  if (commits.code !== 0 || to === "") return refuse(describeGitFailure(commits));
  const files = await changedFiles(context, clone, from, to);
  if ("argv" in files) return refuse(describeGitFailure(files));
  const settings = await withoutStrategy(context, clone, branch);
  if ("argv" in settings) return refuse(describeGitFailure(settings));
  try {
    // Git does not look where it compares nothing: in a submodule's directory, and outside of a sparse checkout.
    const { entries, directories } = findObstacles(clone, files);
    const why = describeObstacles({ entries: entries.map(readable), directories: directories.map(readable) });
    if (why !== undefined) return refuse(why);
    openJournal(clone, from, to, files);
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return refuse(messageOf(error));
  }
  // A git that outlives this process keeps the lock until it has ended.
  const options = { in: clone, timeoutMs: UPDATE_TIMEOUT_MS, holds: lock.fd };
  const merged = await context.git.run([...SEES_ALL, ...settings, "merge", ...SAFELY, "--", to], options);
  const { head, except } = await closeUpdate(context, clone);
  return head === to ? "updated" : refuse(await describeMergeFailure(context, clone, merged, files), except);
}

/**
 * Ignored files are the person's too. The other settings of a merge that somebody may have made their default leave a
 * clone that is not simply at the new commit.
 */
const SAFELY = ["--ff-only", "--no-overwrite-ignore", "--no-squash", "--no-autostash", "--quiet", "--no-edit"] as const;

/**
 * Settings under which git merges by no strategy of the person's: `ours` makes a merge commit in spite of `--ff-only`, and
 * no option takes it back. That signatures have to be verified stays among the branch's options.
 */
async function withoutStrategy(context: CloneContext, clone: string, branch: string): Promise<readonly string[] | Ran> {
  const name = `branch.${branch}.mergeOptions`;
  const own = await context.git.run(["config", "--get", name], { in: clone });
  // 1: it is not set.
  if (own.code !== 0 && own.code !== 1) return own;
  const verify = /(?:^|\s)--verify-s/.test(own.stdout) ? "--verify-signatures" : "";
  return ["-c", `${name}=${verify}`, "-c", "pull.twohead=ort"];
}
