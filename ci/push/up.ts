/** Runs the step `up`: one deployment at a time, never back to an older commit, and the engine told who pushed what. */

import { setTimeout as sleep } from "node:timers/promises";
import { deploymentMessage } from "../../roster/deployment-message.ts";
import { announce } from "../chat.ts";
import { checkOut } from "../checkout.ts";
import { pulumi, stackOfPipeline } from "../engine.ts";
import { find, given } from "../environment.ts";
import { complain, say } from "../say.ts";
import { authorize } from "./authorize.ts";
import { asksToSkip, isAdmin, isCatchUp, readSituation, type Situation } from "./situation.ts";

const DEFAULT_WAIT_MINUTES = 30;
const PAUSE_MS = 5_000;

/**
 * Nothing of the pushed commit is checked out before it is authorized. Where it was deployed, its checkout stays in
 * `WS_DEPLOYED` for the steps after this one; where there is nothing to deploy, there is none and they have nothing to do.
 * @returns the engine's own exit code, 0 where there is nothing to do, 1 where an admin's confirmation is missing
 */
export async function up(): Promise<number> {
  const deadline = Date.now() + (find("WS_WAIT_MINUTES") ?? DEFAULT_WAIT_MINUTES) * 60_000;
  let folder: string | undefined;
  for (let isFirst = true; ; isFirst = false) {
    // Read each time: the run that was waited for may have deployed a later commit, or changed who is an admin.
    const situation = await readSituation();
    const rest = await restingReason(situation);
    if (rest !== undefined) return nothing(rest);
    const { authorized, lines } = await authorize(situation);
    if (!authorized) {
      await announce(lines);
      return 1;
    }
    folder ??= await checkOut(situation.commit, given("WS_DEPLOYED"));
    const at = { stack: situation.stack, folder };
    const ran = await pulumi(at, ["up", "--yes", "--skip-preview", "--suppress-outputs", ...messageOf(situation)], {
      onLine: say,
    });
    const holder = ran.code === 0 ? undefined : lockHolder(`${ran.stdout.toString("utf8")}\n${ran.stderr}`);
    if (holder === undefined) return ran.code ?? 1;
    if (Date.now() > deadline) {
      complain(
        `Another deployment runs (${holder}) and did not end in time. Run this pipeline again when it is over. ` +
          `If that run was killed and nothing holds the lock any more: pulumi cancel --stack ${stackOfPipeline()}`,
      );
      return 1;
    }
    if (isFirst) say(`Another deployment runs (${holder}); waiting for it.`);
    await sleep(PAUSE_MS);
  }
}

async function restingReason(situation: Situation): Promise<string | undefined> {
  const { done, activity, git, commit } = situation;
  const onlyAdmins = activity.pushes.every(({ pusher }) => isAdmin(situation, pusher));
  return reasonToRest({ done, onlyAdmins, isCatchUp: isCatchUp(), message: await git.message(commit) });
}

/** Why a run deploys nothing; undefined where it has to deploy. */
export function reasonToRest(how: {
  /** Whether the commit, or a later one, is deployed. */
  readonly done: boolean;
  /** Whether every push since the last deployment was an admin's. */
  readonly onlyAdmins: boolean;
  /** Whether no push started the run. */
  readonly isCatchUp: boolean;
  /** Of the newest commit. */
  readonly message: string;
}): string | undefined {
  if (how.done) return "There is nothing to deploy: this commit, or a later one, is deployed.";
  return how.isCatchUp && how.onlyAdmins && asksToSkip(how.message) ? "An admin asked to skip this commit." : undefined;
}

const nothing = (sentence: string): 0 => {
  say(sentence);
  return 0;
};

/** Who pushed, for `./ws history`. Always written: without it the engine takes the commit's title, which is anybody's text. */
const messageOf = ({ commit, activity }: Situation): readonly string[] => [
  "--message",
  deploymentMessage({ commit, pusher: activity.pushes[0]?.pusher }),
];

/** Who holds the stack, as the engine reports it; undefined where the run did not end for that. */
function lockHolder(said: string): string | undefined {
  if (!/currently locked by \d+ lock/.test(said)) return undefined;
  return /created by .*/.exec(said)?.[0].trim() ?? "the engine does not say whose";
}
