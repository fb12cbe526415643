/** Decides whether what was pushed since the last deployment may be deployed, or needs an admin's confirmation first. */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PROJECT } from "../../cli/pulumi.ts";
import { stackOfPipeline } from "../engine.ts";
import { StepError } from "../environment.ts";
import { planPeople } from "../people-plan.ts";
import { openStackFile, ROSTER, useFile } from "../stack-file.ts";
import type { Push, PushedTag } from "./forge-activity.ts";
import { type ProgramChange, programChanges } from "./program-changes.ts";
import { CONFIRM, isAdmin, type DeploymentContext } from "./deployment-context.ts";
import { type Finding, refusalLines } from "./refusal-lines.ts";

export interface Authorization {
  readonly authorized: boolean;
  /** Where it is authorized, one sentence that says why; else what has to be confirmed, by whom and how. */
  readonly lines: readonly string[];
}

/**
 * It runs the deployed commit's program, never the pushed one's: what was pushed does not decide about itself.
 * @throws StepError with every problem of a pushed roster that cannot be deployed
 */
export async function authorize(situation: DeploymentContext): Promise<Authorization> {
  const { done, activity, commit, admins, nonAdminPushes } = situation;
  if (done) return authorized("There is nothing to deploy: this commit, or a later one, is deployed.");
  const others = activity.pushes.filter(({ pusher }) => !isAdmin(situation, pusher));
  if (others.length === 0) return authorized("Every push since the last deployment was an admin's.");
  const tag = `${CONFIRM}${commit}`;
  const pushed = activity.tags.get(`refs/tags/${tag}`);
  if (pushed !== undefined && isAdmin(situation, pushed.pusher) && (await isPresent(situation, tag, pushed)))
    return authorized(`${pushed.pusher}, an admin, confirmed ${commit}.`);
  const isAccepted = ({ pusher }: Push) => nonAdminPushes === "announce" && pusher !== undefined;
  if (others.every(isAccepted))
    return authorized("Pushed by non-admins and announced: nonAdminPushes of this stack lets that deploy.");
  const lines = refusalLines(await findings(situation, others), { others, commit, admins, tag });
  if (lines.length > 0) return { authorized: false, lines };
  return authorized("Pushed by a non-admin; it raises nobody's rights and changes no program.");
}

/** Whether the tag that the record names is the one that the forge has now. */
const isPresent = async ({ git }: DeploymentContext, tag: string, { object }: PushedTag): Promise<boolean> =>
  (await git.object(`refs/tags/${tag}`)) === object;

const authorized = (sentence: string): Authorization => ({ authorized: true, lines: [sentence] });

async function findings(situation: DeploymentContext, others: readonly Push[]): Promise<Finding> {
  const { git, deployed, commit, roster, activity } = situation;
  const programs: ProgramChange[] = [];
  for (const push of others) programs.push(...(await programChanges(git, push, situation)));
  const isRosterChanged = (await git.changedFiles(deployed, commit)).includes(roster);
  const changesRoster = async ({ from, to }: Push) => (await git.changedFiles(from, to)).includes(roster);
  const touching = new Map<Push, boolean>();
  for (const push of activity.pushes) touching.set(push, await changesRoster(push));
  const byAdmin = activity.pushes.some((push) => touching.get(push) && !others.includes(push));
  // The plan compares with what is deployed, so it does not show an admin's change that a later push takes back.
  const isContested = byAdmin && others.some((push) => touching.get(push));
  // A deployment of an earlier one of these pushes may have failed midway: what a later one puts back, it gives anew.
  const isTakenBack = !isRosterChanged && !isContested && [...touching.values()].includes(true);
  return {
    programs,
    raised: isRosterChanged || isTakenBack ? await raisedRights(situation) : [],
    isContested,
    isUnknown: others.some(({ pusher }) => pusher === undefined),
    notices: activity.notices,
  };
}

/** What the pushed roster would raise, by the deployed program's own plan. @throws StepError with every problem of the roster */
async function raisedRights({ git, stack, commit, roster }: DeploymentContext): Promise<Finding["raised"]> {
  const text = await git.file(commit, roster);
  if (text === undefined) throw new StepError(`${roster} is missing in ${commit}; nothing can be deployed without it.`);
  const document = await openStackFile(PROJECT, stack);
  const folder = await mkdtemp(join(tmpdir(), "workstation-guard-"));
  try {
    await writeFile(join(folder, "roster.yaml"), text);
    useFile(document, ROSTER, join(folder, "roster.yaml"));
    const configFile = join(folder, `Pulumi.${stack}.yaml`);
    await writeFile(configFile, document.toString({ lineWidth: 0 }), { mode: 0o600 });
    const plan = await planPeople({ stack: stackOfPipeline(), configFile });
    if ("message" in plan) throw new StepError(plan.message);
    // What could not be read, such as the user map, may hold what the roster would raise.
    if (plan.notices.length > 0)
      throw new StepError(
        ["It cannot be decided whether this push raises anybody's rights:", ...plan.notices].join("\n"),
      );
    return plan.raised;
  } finally {
    await rm(folder, { recursive: true });
  }
}
