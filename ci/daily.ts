/**
 * Runs the step `daily`: deploys the deployed commit once more, so that what time alone changes is brought about (end dates,
 * token rotation), and so that whatever was changed by hand is as deployed again. It never deploys anything newer.
 */

import { access, symlink, unlink } from "node:fs/promises";
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { PROJECT } from "../cli/pulumi.ts";
import { dailyMessage } from "../roster/deployment-message.ts";
import { announce } from "./chat.ts";
import { checkOut } from "./checkout.ts";
import { findRedelivery, type HostDelivery } from "./deliveries.ts";
import { deployedCommit, mustBeOnBranch, unfinishedDeployment } from "./deployed-commit.ts";
import { pulumi, type StackAt, stackOfPipeline } from "./engine.ts";
import { find, requiredVariable, StepError } from "./environment.ts";
import { openGit } from "./git.ts";
import { oneAtATime, waitDeadline } from "./wait-for-stack-lock.ts";
import type { Touched } from "./pull-request/preview-differences.ts";
import { previewRefreshed, type RefreshedPreview, RESTORING } from "./preview-drift.ts";
import { planPeople } from "./people-plan.ts";
import { type Ran, run } from "./run.ts";
import { log } from "./log.ts";

const RUN_LIMIT_MS = 60 * 60_000;

/**
 * The checkout that was deployed stays in `WS_DEPLOYED` for the steps after this one.
 * @returns the engine's own exit code; 0 where nothing had to be changed; a failure is announced
 */
export async function daily(): Promise<number> {
  try {
    const code = await oneAtATime(deployAgain);
    if (code !== 0) await announce([`${title()} failed (exit code ${code}).`, ...link()]);
    return code;
  } catch (cause) {
    await announce([`${title()} failed: ${(cause as Error).message}`, ...link()]);
    throw cause;
  }
}

async function deployAgain(): Promise<Ran | number> {
  const at = { stack: requiredVariable("WS_STACK"), folder: PROJECT };
  const commit = await deployedNow();
  const isOurs = (await openGit(PROJECT).commit("HEAD")) === commit;
  const deployed = resolve(PROJECT, requiredVariable("WS_DEPLOYED"));
  if (await waitForOthers(at, commit)) return deployAgain();
  // Another deployment ended since the step `checkout`: what it deployed is what is deployed again, by its own program.
  if (!isOurs) {
    if (await exists(deployed)) await unlink(deployed);
    return anotherProgram(await checkOut(commit, requiredVariable("WS_DEPLOYED")));
  }
  if (!(await exists(deployed))) await symlink(PROJECT, deployed);

  const { hosts: outdated, options: replaced } = await findRedelivery();
  const resources = await previewRefreshed(at, replaced);
  if (resources.drift.length + resources.due.length === 0) {
    log("Everything is as deployed: there is nothing to change.");
    return 0;
  }
  const changes = [
    `${title()} of ${commit.slice(0, 12)} changes:`,
    ...changeLines(await planned(), outdated, resources),
  ];
  // Tried again while another deployment holds the lock; the chat is told once.
  if (changes.join("\n") !== announced) await announce(changes);
  announced = changes.join("\n");
  // The previews take minutes without the engine's lock: another deployment may have ended, or failed midway, since.
  if ((await waitForOthers(at, commit)) || (await deployedNow()) !== commit) return deployAgain();
  const options = ["--refresh", "--yes", "--skip-preview", "--suppress-outputs", "--message", dailyMessage(commit)];
  return pulumi({ ...at, env: RESTORING }, ["up", ...options, ...replaced], { onLine: log });
}

let announced = "";

/**
 * @returns whether another deployment was waited for, so that everything has to be looked at anew
 * @throws StepError where a newer deployment failed, was killed, or does not end within `WS_WAIT_MINUTES`
 */
async function waitForOthers(at: StackAt, commit: string): Promise<boolean> {
  const git = openGit(PROJECT);
  const isDeployed = async (one: string) => (await git.commit(one)) === one && (await git.isAncestor(one, commit));
  const deadline = waitDeadline();
  for (let hasWaited = false; ; hasWaited = true) {
    const other = await unfinishedDeployment(at, isDeployed);
    if (other === undefined || other.commit === commit) return hasWaited;
    if (other.hasEnded || Date.now() >= deadline)
      throw new StepError(
        `the deployment of ${other.commit} failed or did not end, and part of it may be in effect. Deploying ${commit} again ` +
          "would take that back, an offboarding included. Finish the newer deployment first.",
      );
    if (!hasWaited) log(`The deployment of ${other.commit} has begun and not ended; waiting for it.`);
    await sleep(PAUSE_MS);
  }
}

const PAUSE_MS = 15_000;

async function deployedNow(): Promise<string> {
  const git = openGit(PROJECT);
  const branch = requiredVariable("WS_BRANCH");
  const head = await git.commit(`refs/remotes/origin/${branch}`);
  if (head === undefined) throw new StepError(`The checkout knows no branch ${branch} of the forge; fetch it first.`);
  const commit = await deployedCommit({ stack: requiredVariable("WS_STACK"), folder: PROJECT });
  await mustBeOnBranch(git, commit, branch, head);
  return commit;
}

async function anotherProgram(folder: string): Promise<number> {
  const argv = ["--import", "tsx", "ci/main.ts", "daily"] as const;
  const ran = await run([process.execPath, ...argv], { cwd: folder, timeoutMs: RUN_LIMIT_MS, onLine: log });
  return ran.code ?? 1;
}

/** What happens to people, in the plan's own sentences. */
async function planned(): Promise<readonly string[]> {
  const found = await planPeople({ stack: stackOfPipeline() });
  if ("message" in found) throw new StepError(found.message);
  return found.plan;
}

/** Exported for the tests. */
export function changeLines(
  people: readonly string[],
  outdated: readonly HostDelivery[],
  { drift, due }: RefreshedPreview,
): readonly string[] {
  const hosts = new Map(outdated.map(({ host, difference }) => [host, difference]));
  // A host that gets everything again has one line, and not one for each of its commands.
  const isListed = ({ type, name }: Touched) =>
    COMMANDS.has(type) && [...hosts.keys()].some((host) => name.startsWith(`${host}-`) || name.includes(`@${host}-`));
  const lines = (touched: readonly Touched[], why: string) =>
    touched.filter((one) => !isListed(one)).map(({ op, type, name }) => `  ${op} ${type} ${name}${why}`);
  return [
    ...people.map((sentence) => `  ${sentence}`),
    ...[...hosts].map(([host, difference]) => `  ${host} ${difference}: everything is delivered to it again`),
    ...lines(drift, ", which was changed by hand"),
    ...lines(due, ""),
  ];
}

const COMMANDS: ReadonlySet<string> = new Set(["Command", "CopyToRemote"]);

const title = () => `The daily deployment of the stack ${requiredVariable("WS_STACK")}`;

const link = (): readonly string[] => {
  const url = find("CI_PIPELINE_URL");
  return url === undefined ? [] : [`  ${url}`];
};

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    (cause: NodeJS.ErrnoException) => {
      if (cause.code === "ENOENT") return false;
      throw cause;
    },
  );
