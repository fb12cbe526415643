/** Finds the program text that a push brings in, in its last commit and in every commit on the way there. */

import type { Commit, Git } from "../git.ts";
import type { Push } from "./forge-activity.ts";

/** A push of more commits than this is not looked through: it needs an admin's confirmation as a whole. */
export const MAX_COMMITS = 2_000;

export interface ProgramChange {
  /** The commit in which the text stands. */
  readonly commit: string;
  /** Paths of program or configuration files, sorted. */
  readonly files: readonly string[];
}

/** Paths that the deployed stack file names, relative to the repository and as git writes them. */
export interface StackFiles {
  /** The roster, which is judged by what it means for people. */
  readonly roster: string;
  /**
   * Other files that the stack reads, such as the guidance text of every assistant; `unknown` where the pushed stack file
   * cannot be read: then no page is taken for one that nothing reads.
   */
  readonly readFiles: readonly string[] | "unknown";
}

/**
 * Whether a file is the roster, or a page that no program, no host and no assistant reads. Everything else counts as
 * program text, the stack's configuration included.
 */
export const isData = (file: string, { roster, readFiles }: StackFiles): boolean =>
  file === roster || (readFiles !== "unknown" && !readFiles.includes(file) && PAGE.test(file));

const PAGE = /^docs\/(?:[^/]+\/)*[^/]+\.md$|^(?:README|CHANGELOG|CONTRIBUTING)\.md$/;

/**
 * Looks at the two ends of a push and at each commit between them. A commit passes where its program text is, as a
 * whole, that of one of its parents: then it is by induction a text that was on the branch before. A text that a later
 * commit takes back again is found all the same, since each commit can be asked for by its hash.
 * @returns an empty list where the push changes data alone
 */
export async function programChanges(git: Git, push: Push, stack: StackFiles): Promise<readonly ProgramChange[]> {
  const inProgram = (files: readonly string[]) => files.filter((file) => !isData(file, stack)).toSorted();
  const ends: ProgramChange = { commit: push.to, files: inProgram(await git.changedFiles(push.from, push.to)) };
  const commits = await git.between(push.from, push.to);
  if (commits.length > MAX_COMMITS)
    return [{ commit: push.to, files: [`${commits.length} commits, more than the ${MAX_COMMITS} that are compared`] }];
  const found: ProgramChange[] = ends.files.length > 0 ? [ends] : [];
  for (const commit of commits) {
    const own = await changedAgainstNearestParent(git, commit, inProgram);
    const files = commit.hash === push.to ? own.filter((file) => !ends.files.includes(file)) : own;
    if (files.length > 0) found.push({ commit: commit.hash, files });
  }
  return found;
}

/** The smallest difference to any parent; of a root commit, all of its files. */
async function changedAgainstNearestParent(
  git: Git,
  { hash, parents }: Commit,
  inProgram: (files: readonly string[]) => readonly string[],
): Promise<readonly string[]> {
  if (parents.length === 0) return inProgram(await git.allFiles(hash));
  const differences = [];
  for (const parent of parents) {
    const files = inProgram(await git.changedFiles(parent, hash));
    if (files.length === 0) return [];
    differences.push(files);
  }
  return differences.toSorted((a, b) => a.length - b.length)[0] ?? [];
}
