/** Keeps a bare clone of the repository: the deploying branch and the confirmation tags, fetched anew for each run. */

import { mkdir } from "node:fs/promises";
import { StepError } from "../environment.ts";
import { type Git, openGit } from "../git.ts";
import { run } from "../run.ts";

export interface Confirmation {
  /** The tag's whole name: `confirm/<commit>`. */
  readonly tag: string;
  /** The commit that the name says; the object that the tag points at decides nothing. */
  readonly commit: string;
  /** The tag itself: an annotated tag that replaces another one confirms anew. */
  readonly object: string;
}

export interface Clone {
  readonly git: Git;
  /** Head of the deploying branch. */
  readonly head: string;
  /** Tags that confirm a commit of the branch; tags of another form are not among them. */
  readonly confirmations: readonly Confirmation[];
}

export interface CloneSource {
  readonly url: string;
  readonly branch: string;
  readonly token: string;
  /** Folder of the bare clone; made where there is none. */
  readonly folder: string;
}

/** @throws StepError when the forge cannot be read: nothing is concluded from an older fetch */
export async function fetchClone({ url, branch, token, folder }: CloneSource): Promise<Clone> {
  const env = {
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_CONFIG_SYSTEM: "/dev/null",
    GIT_TERMINAL_PROMPT: "0",
    LC_ALL: "C",
    // In the environment and never in the arguments, which everybody on the host may read; and to no other address.
    GIT_CONFIG_COUNT: "2",
    GIT_CONFIG_KEY_0: "http.extraHeader",
    GIT_CONFIG_VALUE_0: `Authorization: token ${token}`,
    GIT_CONFIG_KEY_1: "http.followRedirects",
    GIT_CONFIG_VALUE_1: "false",
  };
  const must = async (...args: string[]) => {
    const ran = await run(["git", ...args], { cwd: folder, env, timeoutMs: 300_000 });
    if (ran.code === 0) return ran.stdout.toString("utf8");
    const lastLine = ran.stderr.trim().split("\n").at(-1) ?? "";
    throw new StepError(`git ${args[0]} failed for ${url}: ${lastLine.split(token).join("[secret]")}`);
  };
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await must("init", "--quiet", "--bare");
  const head = `refs/remotes/origin/${branch}`;
  const refs = [`+refs/heads/${branch}:${head}`, "+refs/tags/confirm/*:refs/tags/confirm/*"];
  await must("fetch", "--quiet", "--prune", "--no-tags", "--", url, ...refs);
  const git = openGit(folder);
  const commit = await git.commit(head);
  if (commit === undefined) throw new StepError(`${url} has no branch ${branch}.`);
  const tags = await must(
    "for-each-ref",
    "--format=%(objecttype) %(objectname) %(refname:lstrip=2)",
    "refs/tags/confirm/",
  );
  return { git, head: commit, confirmations: await onBranch(git, commit, tags.split("\n")) };
}

/** A lightweight tag has no object of its own and confirms nothing: anybody's release can move it. */
async function onBranch(git: Git, head: string, tags: readonly string[]): Promise<readonly Confirmation[]> {
  const found: Confirmation[] = [];
  for (const line of tags) {
    const [, object, tag, commit] = /^tag ([0-9a-f]+) (confirm\/([0-9a-f]{40}|[0-9a-f]{64}))$/.exec(line) ?? [];
    if (object === undefined || tag === undefined || commit === undefined) continue;
    if ((await git.commit(commit)) !== commit) continue;
    if (await git.isAncestor(commit, head)) found.push({ tag, commit, object });
  }
  return found;
}
