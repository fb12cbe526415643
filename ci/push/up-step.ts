/** Runs the step `up`: one deployment at a time, never back to an older commit, and the engine told who pushed what. */

import { deploymentMessage } from "../../roster/deployment-message.ts";
import { PROJECT } from "../../cli/pulumi.ts";
import { announce } from "../chat.ts";
import { checkOut } from "../checkout.ts";
import { findRedelivery, type Redelivery } from "../deliveries.ts";
import { deployedCommit, recordAttempt } from "../deployed-commit.ts";
import { pulumi } from "../engine.ts";
import { requiredVariable, StepError } from "../environment.ts";
import { oneAtATime } from "../wait-for-stack-lock.ts";
import { log } from "../log.ts";
import { authorize } from "./require-confirmation.ts";
import { asksToSkip, isAdmin, isCatchUp, readDeploymentContext, type DeploymentContext } from "./deployment-context.ts";

/**
 * Nothing of the pushed commit is checked out before it is authorized. Where it was deployed, its checkout stays in
 * `WS_DEPLOYED` for the steps after this one; where there is nothing to deploy, there is none and they have nothing to do.
 * @returns the engine's own exit code, 0 where there is nothing to do, 1 where an admin's confirmation is missing
 */
export async function up(): Promise<number> {
  let folder: string | undefined;
  return oneAtATime(async () => {
    const situation = await readDeploymentContext();
    const rest = await restingReason(situation);
    if (rest !== undefined) return nothing(rest);
    const { authorized, lines } = await authorize(situation);
    if (!authorized) {
      await announce(lines);
      return 1;
    }
    folder ??= await checkOut(situation.commit, requiredVariable("WS_DEPLOYED"));
    const at = { stack: situation.stack, folder };
    // The checkout takes a while: a deployment that ended meanwhile, by hand, may be a newer one.
    const now = await deployedCommit({ stack: situation.stack, folder: PROJECT });
    if (now !== situation.deployed)
      throw new StepError(
        `${now} was deployed while this run prepared ${situation.commit}: run this pipeline again, which compares anew.`,
      );
    // A host that was restored from an older image would otherwise be given what changes now, and keep who left since.
    const redelivery = await findRedelivery();
    if (redelivery.hosts.length > 0) await announce(redeliveryLines(redelivery));
    const options = ["--yes", "--skip-preview", "--suppress-outputs", ...messageOf(situation)];
    await recordAttempt({ stack: situation.stack, folder: PROJECT }, situation.commit);
    return pulumi(at, ["up", ...options, ...redelivery.options], { onLine: log });
  });
}

const redeliveryLines = ({ hosts }: Redelivery): readonly string[] => [
  "Everything is delivered again to hosts that do not hold what was delivered to them:",
  ...hosts.map(({ host, difference }) => `  ${host}: ${difference}`),
];

async function restingReason(situation: DeploymentContext): Promise<string | undefined> {
  const { done, activity, git } = situation;
  const onlyAdmins = activity.pushes.every(({ pusher }) => isAdmin(situation, pusher));
  const messages: string[] = [];
  for (const { to } of activity.pushes) messages.push(await git.message(to));
  return reasonToRest({ done, onlyAdmins, isCatchUp: isCatchUp(), messages });
}

/** Why a run deploys nothing; undefined where it has to deploy. */
export function reasonToRest(how: {
  /** Whether the commit, or a later one, is deployed. */
  readonly done: boolean;
  /** Whether every push since the last deployment was an admin's. */
  readonly onlyAdmins: boolean;
  /** Whether no push started the run. */
  readonly isCatchUp: boolean;
  /** Of the newest commit of each push: a title may be anybody's whose pull request an admin merged, and covers no other push. */
  readonly messages: readonly string[];
}): string | undefined {
  if (how.done) return "There is nothing to deploy: this commit, or a later one, is deployed.";
  return how.isCatchUp && how.onlyAdmins && how.messages.every(asksToSkip)
    ? "Every push since the last deployment is an admin's and asks to be skipped."
    : undefined;
}

const nothing = (sentence: string): 0 => {
  log(sentence);
  return 0;
};

/** Who pushed, for `./ws history`. Always written: without it the engine takes the commit's title, which is anybody's text. */
const messageOf = ({ commit, activity }: DeploymentContext): readonly string[] => [
  "--message",
  deploymentMessage({ commit, pusher: activity.pushes[0]?.pusher }),
];
