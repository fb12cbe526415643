/** Finds the commit that is deployed: the one that the engine itself recorded for the last update that succeeded. */

import { z } from "zod";
import { FULL_HASH } from "../roster/deployment-message.ts";
import { mustPulumi, type StackAt } from "./engine.ts";
import { StepError } from "./environment.ts";
import type { Git } from "./git.ts";

const history = z.array(
  z.object({
    kind: z.string(),
    result: z.string(),
    startTime: z.iso.datetime(),
    environment: z.record(z.string(), z.string()).default({}),
  }),
);
const tags = z.record(z.string(), z.string());

/** Tag of the stack, beside its state: the commit whose deployment a pipeline began last, and when. */
const ATTEMPT = "workstation:attempt";

const PAGE_SIZE = 100;

/**
 * The engine writes `git.head` from the checkout that it runs in. The update's message is not read: without `--message`
 * the engine takes the title of the commit for it, which is the free text of whoever wrote the commit.
 * @returns the full hash, which nobody has compared with the branch yet: see {@link mustBeOnBranch}
 * @throws StepError where nothing was ever deployed: the first deployment is an admin's own
 */
export async function deployedCommit(at: StackAt): Promise<string> {
  for (let page = 1; ; page += 1) {
    const updates = await updatesOf(at, page);
    const last = updates.find(({ kind, result }) => kind === "update" && result === "succeeded");
    if (last !== undefined) return headOf(last.environment, at.stack);
    if (updates.length < PAGE_SIZE) break;
  }
  throw new StepError(
    `The stack ${at.stack} was never deployed, so nobody knows who its admins are. ` +
      "An admin deploys it the first time by hand, from a checkout of the branch: pulumi up.",
  );
}

/** Writes down which commit is about to be deployed: the engine records an update when it ends, and a killed one never. */
export async function recordAttempt(at: StackAt, commit: string): Promise<void> {
  await mustPulumi(at, ["stack", "tag", "set", ATTEMPT, `${commit} ${new Date().toISOString()}`]);
}

/** A deployment that is not known to have succeeded: part of it may be in effect. */
export interface Unfinished {
  readonly commit: string;
  /** Whether the engine recorded its end. Otherwise it runs still, or was killed. */
  readonly hasEnded: boolean;
}

/**
 * The newest deployment, where that did not succeed. It is the newest update of the engine's history, or a deployment
 * that a pipeline began after that and that left no entry.
 * @param isDeployed whether what is deployed contains a commit: a pipeline only begins to deploy one that is not
 * @returns undefined where the newest deployment succeeded, or there is none
 */
export async function unfinishedDeployment(
  at: StackAt,
  isDeployed: (commit: string) => Promise<boolean>,
): Promise<Unfinished | undefined> {
  const last = (await updatesOf(at)).find(({ kind }) => kind === "update");
  const attempt = await attemptOf(at);
  const [commit, began = ""] = attempt?.split(" ") ?? [];
  const isNewer = last === undefined || !(Date.parse(last.startTime) >= Date.parse(began));
  if (commit !== undefined && isNewer && !(await isDeployed(commit))) return { commit, hasEnded: false };
  if (last === undefined || last.result === "succeeded") return undefined;
  return { commit: headOf(last.environment, at.stack), hasEnded: true };
}

/** Tells whether a deployment began or ended between two calls: the last one that ended, and the last one that began. */
export async function newestDeployment(at: StackAt): Promise<string> {
  const [last] = await updatesOf(at, 1, 1);
  return JSON.stringify([last?.startTime, await attemptOf(at)]);
}

/** One page of the engine's history, the newest entry first. */
async function updatesOf(at: StackAt, page = 1, size = PAGE_SIZE) {
  const paging = ["--page-size", String(size), "--page", String(page)];
  return history.parse(JSON.parse(await mustPulumi(at, ["stack", "history", "--json", ...paging])));
}

const attemptOf = async (at: StackAt): Promise<string | undefined> =>
  tags.parse(JSON.parse(await mustPulumi(at, ["stack", "tag", "ls", "--json"])))[ATTEMPT];

/**
 * A checkout may hold changes that are in no commit, such as a roster without the row of whoever was offboarded: to deploy
 * its commit once more would bring that row back.
 */
function headOf(environment: Readonly<Record<string, string>>, stack: string): string {
  const { "git.head": head, "git.dirty": isDirty } = environment;
  if (head === undefined || !FULL_HASH.test(head))
    throw new StepError(
      `The last deployment of the stack ${stack} was not made from a git checkout: the engine recorded ` +
        `${head === undefined ? "no commit" : "something that is not a commit's full hash"}. ` +
        "An admin deploys it by hand from a clean checkout of the branch: pulumi up.",
    );
  if (isDirty !== "true") return head;
  throw new StepError(
    `The last deployment of the stack ${stack} was made from a checkout of ${head} with changes or files that are in no ` +
      "commit, and a pipeline would take them back. An admin commits and pushes them, and deploys by hand from that " +
      "checkout once git status --porcelain prints nothing: pulumi up.",
  );
}

/**
 * @param head the branch's newest commit
 * @throws StepError unless git knows the commit by exactly this hash and it is on the branch
 */
export async function mustBeOnBranch(git: Git, commit: string, branch: string, head: string): Promise<void> {
  const found = await git.commit(commit);
  if (found === undefined)
    throw new StepError(
      `The deployed commit ${commit} is not in this checkout: it was pushed after this run began, and the next run finds ` +
        `it; or it is on no branch any more, and an admin looks through ${branch} and deploys by hand from a clean checkout of it: pulumi up.`,
    );
  if (found === commit && (await git.isAncestor(commit, head))) return;
  throw new StepError(
    `The deployed commit ${commit} is not on ${branch}: the branch was rewritten, or somebody deployed from another one. ` +
      `An admin looks through what is new on ${branch}, and deploys by hand from a clean checkout of it: pulumi up.`,
  );
}
