/** Reads the history of one file from git: author, time and text of every commit that changed it. */

import { basename, dirname } from "node:path";
import { ProgramError, runProgram } from "../../clients/process/run-program.ts";
import { Refusal } from "../../config/refusal.ts";

export interface Commit {
  readonly hash: string;
  readonly parents: readonly string[];
  /** ISO 8601 in UTC, of the committer. */
  readonly at: string;
  /** What the author's field says: anybody may write anything there. */
  readonly author: string;
  readonly subject: string;
}

export interface FileHistory {
  /** Commits that changed the file, the oldest first. */
  readonly changes: readonly Commit[];
  /** Every commit's parents, to tell what a deployed commit contains. */
  readonly parents: ReadonlyMap<string, readonly string[]>;
  /** Bytes of the file in a commit; undefined where it was not there. */
  readonly textIn: (hash: string) => Promise<Uint8Array | undefined>;
}

/** @param file absolute. @throws Refusal where there is no repository around it */
export async function historyOf(file: string): Promise<FileHistory> {
  const folder = dirname(file);
  const prefix = (await git(folder, ["rev-parse", "--show-prefix"], file)).toString("utf8").trimEnd();
  const path = `${prefix}${basename(file)}`;
  // `-z` and separators that no name can hold: subjects and authors are anybody's words.
  const format = "--format=%H%x1f%P%x1f%cI%x1f%an%x1f%s";
  const changes = commitsIn(
    await git(folder, ["log", "-z", "--reverse", "--topo-order", format, "--", basename(file)], file),
  );
  const all = (await git(folder, ["rev-list", "--parents", "HEAD"], file)).toString("utf8").trim().split("\n");
  return {
    changes,
    parents: new Map(all.map((line) => line.split(" ")).map(([hash = "", ...parents]) => [hash, parents])),
    textIn: async (hash) => {
      const listed = await git(folder, ["ls-tree", "-z", "--full-tree", hash, "--", path], file);
      return listed.length === 0 ? undefined : git(folder, ["cat-file", "blob", `${hash}:${path}`], file);
    },
  };
}

const commitsIn = (output: Buffer): readonly Commit[] =>
  output
    .toString("utf8")
    .split("\0")
    .filter((entry) => entry !== "")
    .map((entry) => {
      const [hash = "", parents = "", at = "", author = "", subject = ""] = entry.split("\x1f");
      return {
        hash,
        parents: parents === "" ? [] : parents.split(" "),
        at: new Date(at).toISOString(),
        author,
        subject,
      };
    });

const LIMIT_MS = 60_000;

/** Only ever reads; nothing of the repository's own configuration is run. */
async function git(folder: string, args: readonly string[], file: string): Promise<Buffer> {
  const safe = ["-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "--no-optional-locks"];
  const fail = (why: string, cause?: Error): never => {
    throw new Refusal(`${file}: its history cannot be read: ${why}`, { cause });
  };
  const env = { ...process.env, GIT_TERMINAL_PROMPT: "0" };
  const ran = await runProgram(["git", ...safe, "-C", folder, ...args], { env, timeoutMs: LIMIT_MS }).catch((cause) =>
    cause instanceof ProgramError ? fail(cause.message, cause) : Promise.reject(cause),
  );
  if (ran.code === 0) return ran.stdout;
  const lastLine = ran.stderr.trim().split("\n").at(-1) ?? "";
  return fail(lastLine.replace(/\p{Cc}+/gu, " ") || "git ended without saying why");
}
