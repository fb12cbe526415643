/** Decides which runs of a pipeline are due: from what is deployed, what is on the branch, and what was tried before. Pure. */

import type { Attempt } from "./attempt-records.ts";
import type { Confirmation } from "./clone.ts";
import type { Occasion } from "./pipeline-file.ts";
import type { PullRequest } from "./pull-requests.ts";

export interface PlannedRun {
  readonly occasion: Occasion;
  /** `CI_…` of this run alone. */
  readonly variables: Readonly<Record<string, string>>;
  /** For the log: "the branch's head 0123456789ab". */
  readonly title: string;
  /** The same key means the same circumstances. */
  readonly key: string;
  /** When a run under the same circumstances is due again: each time, after a while, or once it failed. */
  readonly again: "each time" | "after a while" | "after a failure";
}

export interface DeploymentState {
  readonly branch: string;
  readonly deployed: string;
  readonly head: string;
  /** Confirmations of commits that are on the branch and not deployed yet, the newest commit first. */
  readonly confirmations: readonly Confirmation[];
}

/**
 * An admin's confirmation goes first: it deploys a commit below the head, so that the head is compared with less.
 * A head that is deployed is no run: nothing of it has to be brought about.
 */
export function deploymentRuns({ branch, deployed, head, confirmations }: DeploymentState): readonly PlannedRun[] {
  if (head === deployed) return [];
  // A confirmed head is the last run below, which finds its confirmation in the forge's record.
  const below = confirmations.filter(({ commit }) => commit !== head);
  const tags = below.map(
    ({ tag, commit, object }): PlannedRun => ({
      occasion: { event: "tag", ref: `refs/tags/${tag}` },
      variables: { CI_PIPELINE_EVENT: "tag", CI_COMMIT_SHA: commit, CI_COMMIT_TAG: tag },
      title: `the confirmation of ${commit.slice(0, 12)}`,
      key: `tag ${deployed} ${commit} ${object}`,
      again: "after a while",
    }),
  );
  const confirmed = confirmations.map(({ object }) => object).join(" ");
  const key = `deploy ${deployed} ${head} ${confirmed}`;
  return [...tags, { ...scheduledRun("deploy", branch, head), key, again: "after a while" }];
}

/** A schedule's own run, of the branch's head, each time that the timer fires. */
export const scheduledRun = (name: string, branch: string, head: string): PlannedRun => ({
  occasion: { event: "cron", cron: name, branch },
  variables: { CI_PIPELINE_EVENT: "cron", CI_COMMIT_SHA: head, CI_COMMIT_BRANCH: branch },
  title: `the branch's head ${head.slice(0, 12)}`,
  key: `${name} ${head}`,
  again: "each time",
});

export const previewRuns = (branch: string, requests: readonly PullRequest[]): readonly PlannedRun[] =>
  requests.map(({ number, commit }) => ({
    occasion: { event: "pull_request", branch },
    variables: {
      ...{ CI_PIPELINE_EVENT: "pull_request", CI_COMMIT_SHA: commit, CI_COMMIT_PULL_REQUEST: String(number) },
    },
    title: `pull request ${number} at ${commit.slice(0, 12)}`,
    key: `pull-request ${number} ${commit}`,
    again: "after a failure",
  }));

/** A run that was tried under the same circumstances waits this long: its announcements would only repeat. */
export const REPEAT_AFTER_MS = 3_600_000;

/** Whether a run is due, given how and when it was tried last. */
export function isDue({ again }: Pick<PlannedRun, "again">, last: Attempt | undefined, nowMs: number): boolean {
  if (last === undefined || again === "each time") return true;
  if (last.ok && again === "after a failure") return false;
  // A clock that was set back must not hold a run for long.
  return nowMs < last.atMs || nowMs - last.atMs >= REPEAT_AFTER_MS;
}
