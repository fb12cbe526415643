/**
 * Fetches every clone and fast-forwards it where that is certainly safe; any other clone is left as it is, with a
 * warning.
 */

import { Refusal, systemCode, messageOf } from "../../lib/errors.ts";
import type { Ran } from "../../lib/exec.ts";
import { type Change, type Step, says } from "../../lib/converge.ts";
import { describeGitFailure } from "../../lib/git.ts";
import { clean } from "../../lib/log.ts";
import { changedFiles, readable } from "./changed-files.ts";
import { clonesOf } from "./clone-paths.ts";
import { findObstacles } from "./find-obstacles.ts";
import { fetchRemotes } from "./fetch-remotes.ts";
import { restoreWrittenFiles } from "./preserve-concurrent-writes.ts";
import { undoUpdate } from "./undo-update.ts";
import { closeJournal, hasJournal, notRemoved, openJournal, readJournal, stillAtWork } from "./update-journal.ts";
import { type CloneContext, type StepContext, displayPath } from "../home/step-context.ts";

const UPDATE_TIMEOUT_MS = 60_000;
/** Of the files that keep a clone from being updated; the others are counted. */
const MOST_NAMED = 5;

/** Updates a clone only on its branch, clean and with an upstream. Never merges, rebases or prompts. */
export function freshness(context: StepContext): Step {
  const fetched = new Set<string>();
  const refused = new Set<string>();
  return {
    name: "freshness",
    differences: async () => {
      const changes: Change[] = [];
      for (const clone of clonesOf(context)) {
        if (context.mode === "apply" && !context.offline && !fetched.has(clone)) {
          fetched.add(clone);
          await fetchRemotes(context, clone);
        }
        if (!refused.has(clone)) changes.push(...(await fastForwardChanges(context, clone, refused)));
      }
      return changes;
    },
  };
}

const AT_WORK = {
  process: "is being updated by another process, so it is not updated by this one",
  lock: "has an update that was broken off and a .git/index.lock, so it is left as it is: remove that file when no git works there",
} as const;

/** The one change that updates the clone, or none and a warning that says why not. */
export async function fastForwardChanges(
  context: CloneContext,
  clone: string,
  refused: Set<string>,
): Promise<readonly Change[]> {
  const name = displayPath(context, clone);
  const read = (...args: string[]) => context.git.run(args, { in: clone });
  const atWork = stillAtWork(clone);
  if (atWork !== undefined) {
    context.warn(`${name} ${AT_WORK[atWork]}`);
    return [];
  }
  if (context.mode === "check" && hasJournal(clone)) {
    context.warn(`${name}: an update was broken off; the next run undoes it`);
    return [];
  }
  // An earlier update was killed half way: first of all the clone is as before, with what its person wrote in it.
  if ((await closeUpdate(context, clone)).undone)
    context.warn(`${name}: an update that was broken off has been undone`);
  const branches = await read(
    "for-each-ref",
    "--format=%(HEAD)%00%(refname:short)%00%(upstream)%00%(upstream:track,nobracket)",
    "refs/heads",
  );
  if (branches.code !== 0) {
    context.warn(`${name} cannot be read by git and was left unchanged: ${describeGitFailure(branches)}`);
    return [];
  }
  const current = branches.stdout
    .split("\n")
    .map((line) => line.split("\0"))
    .find(([head]) => head === "*");
  if (current === undefined) {
    context.warn(`${name} is on no branch (detached), so it is not updated`);
    return [];
  }
  const [, branch = "", upstream = "", track = ""] = current;
  if (branch !== context.part.infra.branch && branch !== "main" && branch !== "master") return [];
  if (upstream === "") {
    context.warn(`${name}: ${branch} has no upstream, so it is not updated`);
    return [];
  }
  if (track === "" || /^ahead \d+$/.test(track)) return [];
  if (!/^behind \d+$/.test(track)) {
    context.warn(
      `${name}: ${branch} and its upstream have ${track === "gone" ? "diverged: the upstream is gone" : `diverged (${track})`}, so it is not updated`,
    );
    return [];
  }
  // A file of the person's outside of a sparse checkout counts, whatever they told git to expect there.
  const outside = ["-c", "sparse.expectFilesOutsideOfPatterns=false"];
  const dirty = await read(
    ...outside,
    "status",
    "--porcelain",
    "-z",
    "--untracked-files=no",
    "--ignore-submodules=all",
  );
  if (dirty.code !== 0) {
    context.warn(
      `${name} cannot be compared with its last commit, so it is not updated (${track}): ${describeGitFailure(dirty)}`,
    );
    return [];
  }
  if (dirty.stdout !== "") {
    context.warn(`${name} has uncommitted changes, so it is not updated (${track})`);
    return [];
  }
  const apply = async () => {
    const why = await fastForward(context, clone, branch, upstream);
    if (why === undefined) return undefined;
    refused.add(clone);
    context.warn(`${name} was not updated, and is as it was before: ${why}`);
    return "not done" as const;
  };
  return [{ point: "fast-forward", says: says("update", `${name}, ${branch} was ${track}`), apply }];
}

/**
 * Updates the clone, or leaves it as it was. A journal is open meanwhile, by which the update is undone when git fails in
 * the middle of it: a filter that is missing, an object that is damaged, a disk that is full.
 *
 * @returns why the clone was not updated; undefined when it was
 * @throws Refusal when it is half updated and cannot be put back
 */
async function fastForward(
  context: CloneContext,
  clone: string,
  branch: string,
  upstream: string,
): Promise<string | undefined> {
  const options = { in: clone, timeoutMs: UPDATE_TIMEOUT_MS };
  const commits = await context.git.run(["rev-parse", "HEAD^{commit}", `${upstream}^{commit}`], { in: clone });
  const [from = "", to = ""] = commits.stdout.split("\n");
  if (commits.code !== 0 || to === "") return describeGitFailure(commits);
  const files = await changedFiles(context, clone, from, to);
  if ("argv" in files) return describeGitFailure(files);
  const settings = await withoutStrategy(context, clone, branch);
  if ("argv" in settings) return describeGitFailure(settings);
  try {
    // Git does not look where it compares nothing: in a submodule's directory, and outside of a sparse checkout.
    const { entries, directories } = findObstacles(clone, files);
    const why = whyNot({ entries: entries.map(readable), directories: directories.map(readable) });
    if (why !== undefined) return why;
    openJournal(clone, from, to, files);
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return messageOf(error);
  }
  const merged = await context.git.run([...settings, "merge", ...SAFELY, "--", to], options);
  const { head } = await closeUpdate(context, clone);
  return head === to ? undefined : whyNotMerged(merged);
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

/** Git's reason with the files that it names. */
function whyNotMerged(ran: Ran): string {
  const listed = (header: RegExp) =>
    (header.exec(ran.stderr)?.[1] ?? "")
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => line !== "");
  const why = whyNot({
    entries: listed(/untracked working tree files would be [a-z]+ by merge:\n((?:\t.*\n)+)/),
    directories: listed(/directories would lose untracked files in them:\n((?:\t.*\n)+)/),
    changed: listed(/local changes to the following files would be overwritten by merge:\n((?:\t.*\n)+)/),
  });
  return why ?? describeGitFailure(ran);
}

const OBSTACLES = {
  entries: "which git does not track here, is in the place of a file of the update: move it away",
  directories: "which holds files that git does not track, is in the place of a file of the update: move it away",
  changed: "which the update replaces, has changes that are not committed",
} as const;

/** Why the update would lose something at these paths; undefined where there are none. */
function whyNot(paths: Partial<Record<keyof typeof OBSTACLES, readonly string[]>>): string | undefined {
  const kinds = ["entries", "directories", "changed"] as const;
  const sentences = kinds.flatMap((kind) => {
    const named = paths[kind] ?? [];
    return named.length === 0 ? [] : [`${firstOf(named)}, ${OBSTACLES[kind]}`];
  });
  return sentences.length > 0 ? clean(sentences.join("; ")) : undefined;
}

const firstOf = (paths: readonly string[]): string =>
  paths.length <= MOST_NAMED
    ? paths.join(", ")
    : `${paths.slice(0, MOST_NAMED).join(", ")} and ${paths.length - MOST_NAMED} more`;

/**
 * Ends an update, also one that an earlier run left: undoes it unless git finished it, and restores what was written
 * meanwhile.
 *
 * @returns the commit that the clone is at, and whether something had to be undone
 */
async function closeUpdate(
  context: CloneContext,
  clone: string,
): Promise<{ readonly head?: string; readonly undone: boolean }> {
  if (!hasJournal(clone)) return { undone: false };
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
  return { head, undone: undone?.changed === true };
}

async function touchedIn(context: CloneContext, clone: string): Promise<ReadonlySet<string>> {
  const options = ["--porcelain", "-z", "--no-renames", "--untracked-files=all", "--ignore-submodules=all"];
  const ran = await context.git.run(["status", ...options], { in: clone, bytes: true });
  if (ran.code !== 0)
    throw new Refusal(`${displayPath(context, clone)} cannot be inspected: ${describeGitFailure(ran)}`);
  // `XY path`, one after the other.
  return new Set(ran.stdout.split("\0").map((entry) => entry.slice(3)));
}
