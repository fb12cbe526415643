/** Reads the files of a commit from git's objects: nothing of a branch is ever checked out, and no link in it is followed. */

import { StepError } from "./environment.ts";
import { type Ran, run } from "./run.ts";

/** Follows the path of a link or a submodule, so that no rule for plain files takes it. */
export const NO_PLAIN_FILE = " (no plain file)";

/** A branch's file is taken up to this size: a roster of ten thousand people is smaller. */
export const MAX_FILE_BYTES = 4 * 1024 * 1024;

export interface Commit {
  /** The full hash. */
  readonly hash: string;
  /** Full hashes, in git's order; empty for a root commit. */
  readonly parents: readonly string[];
}

export interface Git {
  /** Full hash of a commit, or undefined where there is none of that name. */
  commit(name: string): Promise<string | undefined>;
  /** Full hash of the object that a name stands for, such as an annotated tag; undefined where there is none of that name. */
  object(name: string): Promise<string | undefined>;
  isAncestor(older: string, newer: string): Promise<boolean>;
  /** Every commit of `newer` that `older` does not have, newest first. */
  between(older: string, newer: string): Promise<readonly Commit[]>;
  /** Every path of a commit. */
  allFiles(commit: string): Promise<readonly string[]>;
  /** Paths that differ. A path that is a link or a submodule on either side ends with ` (no plain file)`. */
  changedFiles(from: string, to: string): Promise<readonly string[]>;
  /** The tree that merging would make, or undefined where it cannot be merged by itself. */
  merged(base: string, branch: string): Promise<string | undefined>;
  /** A regular file of a commit or tree. @throws StepError for a link, a folder and what is too large; undefined where there is none */
  file(tree: string, path: string): Promise<Buffer | undefined>;
  subject(commit: string): Promise<string>;
  message(commit: string): Promise<string>;
}

/** @param folder a clone's */
export function openGit(folder: string): Git {
  const git = (...args: string[]) => run(["git", ...args], { cwd: folder, env: QUIET });
  const must = async (...args: string[]): Promise<string> => {
    const ran = await git(...args);
    if (ran.code === 0) return ran.stdout.toString("utf8");
    throw new StepError(`git ${args[0]} failed in ${folder}: ${lastLine(ran)}`);
  };
  const parse = async (name: string): Promise<string | undefined> => {
    const ran = await git("rev-parse", "--verify", "--quiet", "--end-of-options", name);
    return ran.code === 0 ? ran.stdout.toString("utf8").trim() : undefined;
  };
  return {
    commit: (name) => parse(`${name}^{commit}`),
    object: (name) => parse(name),
    isAncestor: async (older, newer) => {
      const ran = await git("merge-base", "--is-ancestor", older, newer);
      if (ran.code === 0 || ran.code === 1) return ran.code === 0;
      throw new StepError(`git cannot compare ${older} with ${newer}: ${lastLine(ran)}`);
    },
    between: async (older, newer) =>
      words(await must("rev-list", "--parents", `${older}..${newer}`, "--"), "\n").map((line) => {
        const [hash = "", ...parents] = line.split(" ");
        return { hash, parents };
      }),
    allFiles: async (commit) => words(await must("ls-tree", "-r", "-z", "--full-tree", "--name-only", commit), "\0"),
    changedFiles: async (from, to) =>
      // Otherwise a .gitmodules of the repository hides what changes of a submodule.
      changedPaths(
        await must("diff", "--raw", "--no-renames", "--no-ext-diff", "--ignore-submodules=none", "-z", from, to),
      ),
    merged: async (base, branch) => {
      const ran = await git("merge-tree", "--write-tree", "--no-messages", base, branch);
      if (ran.code === 1) return undefined;
      if (ran.code !== 0) throw new StepError(`git cannot merge the branch: ${lastLine(ran)}`);
      return ran.stdout.toString("utf8").split("\n")[0] ?? "";
    },
    file: async (tree, path) => {
      const entry = await must("ls-tree", "-z", "--long", tree, "--", path);
      if (entry === "") return undefined;
      const [, mode, , object, size] = /^(\d+) (\w+) ([0-9a-f]+) +(\d+|-)\t/.exec(entry) ?? [];
      if (object === undefined || !(mode === "100644" || mode === "100755"))
        throw new StepError(`${path} is no regular file on this branch; make it one.`);
      if (Number(size) > MAX_FILE_BYTES)
        throw new StepError(`${path} has ${size} bytes on this branch; ${MAX_FILE_BYTES} are the most that is read.`);
      const ran = await git("cat-file", "blob", object);
      if (ran.code !== 0) throw new StepError(`${path} cannot be read: ${lastLine(ran)}`);
      return ran.stdout;
    },
    subject: async (commit) => (await must("show", "--no-patch", "--format=%s (author: %an)", commit)).trim(),
    message: async (commit) => must("show", "--no-patch", "--format=%B", commit),
  };
}

const words = (text: string, between: string): readonly string[] => text.split(between).filter((word) => word !== "");

/** Of `git diff --raw -z`: `:MODE MODE OBJECT OBJECT STATUS`, then the path. A mode of zeros is a file that is not there. */
function changedPaths(raw: string): readonly string[] {
  const parts = words(raw, "\0");
  return parts.flatMap((modes, at) => {
    const path = parts[at + 1];
    if (at % 2 !== 0 || path === undefined) return [];
    return [/^:(?:100(?:644|755)|0{6}) (?:100(?:644|755)|0{6}) /.test(modes) ? path : `${path}${NO_PLAIN_FILE}`];
  });
}

const lastLine = ({ stderr }: Ran): string => stderr.trim().split("\n").at(-1) ?? "";

/** Nobody's configuration but the clone's own, no object in another's place, and never a question. */
const QUIET = {
  GIT_NO_REPLACE_OBJECTS: "1",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_CONFIG_SYSTEM: "/dev/null",
  GIT_TERMINAL_PROMPT: "0",
  LC_ALL: "C",
};
