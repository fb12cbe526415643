/** The step `up`: one deployment at a time, never back to an older commit, and the engine told who pushed what. */

import { setTimeout as sleep } from "node:timers/promises";
import { PROJECT } from "../../cli/pulumi.ts";
import { deploymentMessage } from "../../roster/deployment-message.ts";
import { deployedCommit } from "../deployed.ts";
import { pulumi } from "../engine.ts";
import { find, given, StepError } from "../environment.ts";
import { openGit } from "../git.ts";
import { complain, say } from "../say.ts";
import { asksToSkip, commitOfPipeline, isAdmin, isCatchUp, readSituation } from "./situation.ts";

const DEFAULT_WAIT_MINUTES = 30;
const PAUSE_MS = 5_000;

/** @returns the engine's own exit code, 0 where there is nothing to do */
export async function up(): Promise<number> {
  await mustBePushed();
  const situation = await readSituation();
  const { commit, activity, git } = situation;
  const onlyAdmins = activity.pushes.every(({ pusher }) => isAdmin(situation, pusher));
  const rest = isCatchUp() && reasonToRest({ done: situation.done, onlyAdmins, message: await git.message(commit) });
  if (rest) return nothing(rest);
  const pusher = activity.pushes[0]?.pusher;
  const message = pusher === undefined ? [] : ["--message", deploymentMessage({ commit, pusher })];
  return whenFree(message);
}

/** Why a run that no push started leaves the branch as it is; undefined where it has to deploy. */
export function reasonToRest(how: {
  readonly done: boolean;
  /** Whether every push since the last deployment was an admin's. */
  readonly onlyAdmins: boolean;
  /** Of the newest commit. */
  readonly message: string;
}): string | undefined {
  if (how.done) return "Everything on the branch is deployed.";
  return how.onlyAdmins && asksToSkip(how.message) ? "An admin asked to skip this commit." : undefined;
}

const nothing = (sentence: string): 0 => {
  say(sentence);
  return 0;
};

/** Two deployments never run at once: the engine's lock decides, and whoever waits says for whom. */
async function whenFree(message: readonly string[]): Promise<number> {
  const at = { stack: given("WS_STACK"), folder: given("WS_PUSHED") };
  const git = openGit(PROJECT);
  const deadline = Date.now() + (find("WS_WAIT_MINUTES") ?? DEFAULT_WAIT_MINUTES) * 60_000;
  for (let told = false; ; told = true) {
    // Asked each time: whoever was waited for may have deployed a later commit.
    const deployed = await deployedCommit({ ...at, folder: PROJECT });
    if (deployed !== commitOfPipeline() && (await isOlder(git, commitOfPipeline(), deployed)))
      return nothing(`A later commit, ${deployed.slice(0, 12)}, is deployed already.`);
    const ran = await pulumi(at, ["up", "--yes", "--skip-preview", "--suppress-outputs", ...message], { onLine: say });
    const holder = ran.code === 0 ? undefined : holderOf(`${ran.stdout.toString("utf8")}\n${ran.stderr}`);
    if (holder === undefined) return ran.code ?? 1;
    if (Date.now() > deadline) {
      complain(
        `Another deployment runs (${holder}) and did not end in time. Run this pipeline again when it is over. ` +
          `If that run was killed and holds the lock for nothing: pulumi cancel --stack ${at.stack}`,
      );
      return 1;
    }
    if (!told) say(`Another deployment runs (${holder}); waiting for it.`);
    await sleep(PAUSE_MS);
  }
}

async function isOlder(git: ReturnType<typeof openGit>, commit: string, deployed: string): Promise<boolean> {
  return (await git.commit(deployed)) !== undefined && git.isAncestor(commit, deployed);
}

/** Who holds the stack, in the engine's words; undefined where the run did not end for that. */
function holderOf(said: string): string | undefined {
  if (!/currently locked by \d+ lock/.test(said)) return undefined;
  return /created by .*/.exec(said)?.[0].trim() ?? "the engine does not say whose";
}

/** @throws StepError where the checkout to deploy is not that of the pipeline's commit */
async function mustBePushed(): Promise<void> {
  const found = await openGit(given("WS_PUSHED")).commit("HEAD");
  if (found === commitOfPipeline()) return;
  throw new StepError(`WS_PUSHED holds ${found ?? "nothing"}, and ${commitOfPipeline()} is to be deployed.`);
}
