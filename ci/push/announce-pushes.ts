/** Runs the step `audit`: announces every push by a non-admin, before it is deployed and without ever blocking it. */

import { counted } from "../../roster/text/quote.ts";
import { announce } from "../chat.ts";
import { find, requiredVariable } from "../environment.ts";
import type { Git } from "../git.ts";
import { log } from "../log.ts";
import { type Push, pusherName } from "./forge-activity.ts";
import { isData, type StackFiles } from "./program-changes.ts";
import { asksToSkip, isAdmin, isCatchUp, readDeploymentContext, type DeploymentContext } from "./deployment-context.ts";

/** Always ends well: what cannot be found out is announced as that. */
export async function audit(): Promise<number> {
  try {
    const situation = await readDeploymentContext();
    const lines = await announcement(situation);
    if (lines.length === 0) log(situation.done ? "There is nothing to deploy." : "Every push was an admin's.");
    else await announce(lines);
  } catch (cause) {
    await announce([
      `${repository()}: a push is being deployed, and who pushed it could not be found out: ${(cause as Error).message}`,
      ...link(),
    ]);
  }
  return 0;
}

/** Nothing where every push was an admin's. */
export async function announcement(situation: DeploymentContext): Promise<readonly string[]> {
  const { git, commit, activity } = situation;
  const others = activity.pushes.filter(({ pusher }) => !isAdmin(situation, pusher));
  if (others.length === 0) return [];
  const skipped = isCatchUp() && asksToSkip(await git.message(commit));
  const pushes = await Promise.all(others.slice(0, SHOWN).map((push) => pushLines(git, push)));
  const files = await changedFiles(git, others).catch(() => undefined);
  return [
    `${repository()}: ${counted(others.length, "push", "pushes")} by a non-admin, about to be deployed:`,
    ...(files === undefined ? [] : changedLines(files, situation)),
    ...activity.notices.map((notice) => `  ${notice}`),
    ...pushes.flat(),
    ...(others.length > SHOWN ? [`  and ${counted(others.length - SHOWN, "more push", "more pushes")}`] : []),
    ...(skipped
      ? ["  The commit asks to skip the pipeline. Only an admin's does: it is announced and deployed all the same."]
      : []),
    ...link(),
  ];
}

const SHOWN = 5;

/** Program text first: it is what a reader has to see. A name may hold line breaks, and is quoted like any foreign text. */
function changedLines(files: readonly string[], stack: StackFiles): readonly string[] {
  const inOrder = [...files.filter((file) => !isData(file, stack)), ...files.filter((file) => isData(file, stack))];
  const lines = inOrder.slice(0, SHOWN_FILES).map((file) => `  changed: ${JSON.stringify(file)}`);
  return files.length <= SHOWN_FILES ? lines : [...lines, `  and ${files.length - SHOWN_FILES} more files`];
}
const SHOWN_FILES = 10;

/** Every file that a commit of the pushes changes, those included that a later commit takes back. */
async function changedFiles(git: Git, pushes: readonly Push[]): Promise<readonly string[]> {
  const files = new Set<string>();
  for (const { from, to } of pushes) {
    for (const file of await git.changedFiles(from, to)) files.add(file);
    for (const { hash, parents } of (await git.between(from, to)).slice(0, MAX_COMMITS))
      for (const file of parents[0] === undefined ? [] : await git.changedFiles(parents[0], hash)) files.add(file);
  }
  return [...files].toSorted();
}

/** The announcement must not keep a deployment waiting. */
const MAX_COMMITS = 200;

/** The author's name is shown beside the pusher, and believed nowhere. */
async function pushLines(git: Git, push: Push) {
  const { from, to } = push;
  const commits = await git.between(from, to).catch(() => [{ hash: to }]);
  const shown = await Promise.all(commits.slice(0, SHOWN).map(({ hash }) => git.subject(hash).catch(() => "")));
  return [
    `  ${pusherName(push)} pushed ${counted(commits.length, "commit", "commits")} (${to.slice(0, 12)}):`,
    ...shown.map((subject) => `    ${subject}`),
    ...(commits.length > SHOWN ? [`    and ${commits.length - SHOWN} more`] : []),
  ];
}

const repository = () => `${requiredVariable("CI_REPO_OWNER")}/${requiredVariable("CI_REPO_NAME")}`;

const link = (): readonly string[] => {
  const url = find("CI_PIPELINE_URL");
  return url === undefined ? [] : [`  ${url}`];
};
