/** Finds out whether a clone is behind its upstream and may be updated now. */

import { describeGitFailure } from "../../lib/git.ts";
import { type CloneContext, displayPath } from "../home/step-context.ts";
import { findUnsafeState, unfinishedOperation } from "./find-unsafe-state.ts";

export interface DueUpdate {
  readonly branch: string;
  /** The full name of the remote-tracking ref. */
  readonly upstream: string;
  /** How far it is behind, in git's words. */
  readonly track: string;
}

/** @returns a sentence that says why the clone is left as it is; undefined where there is nothing to update */
export async function findDueUpdate(context: CloneContext, clone: string): Promise<DueUpdate | string | undefined> {
  const name = displayPath(context, clone);
  const format = "%(HEAD)%00%(refname:short)%00%(upstream)%00%(upstream:track,nobracket)";
  const branches = await context.git.run(["for-each-ref", `--format=${format}`, "refs/heads"], { in: clone });
  if (branches.code !== 0)
    return `${name} cannot be read by git and was left unchanged: ${describeGitFailure(branches)}`;
  const current = branches.stdout
    .split("\n")
    .map((line) => line.split("\0"))
    .find(([head]) => head === "*");
  if (current === undefined) {
    const operation = unfinishedOperation(clone);
    return operation === undefined
      ? `${name} is on no branch (detached), so it is not updated`
      : `${name} is in the middle of ${operation}, so it is not updated`;
  }
  const [, branch = "", upstream = "", track = ""] = current;
  if (branch !== context.part.infra.branch && branch !== "main" && branch !== "master") return undefined;
  if (upstream === "") return `${name}: ${branch} has no upstream, so it is not updated`;
  if (!upstream.startsWith("refs/remotes/"))
    return `${name}: the upstream of ${branch} is ${upstream}, which is no branch of a remote, so it is not updated`;
  if (track === "" || /^ahead \d+$/.test(track)) return undefined;
  if (!/^behind \d+$/.test(track))
    return `${name}: ${branch} and its upstream have ${track === "gone" ? "diverged: the upstream is gone" : `diverged (${track})`}, so it is not updated`;
  const unsafe = await findUnsafeState(context, clone);
  if (unsafe === undefined) return { branch, upstream, track };
  const reason = unsafe.reason === undefined ? "" : `: ${unsafe.reason}`;
  return `${name} ${unsafe.says}, so it is not updated (${track})${reason}`;
}
