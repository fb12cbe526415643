/**
 * Runs one pipeline of the repository outside any pipeline server: fetches, decides what is due, and carries out the steps
 * of a file that the repository's own deployed commit has. Nothing and nobody can hand it a file, a variable or a secret.
 */

import { join } from "node:path";
import { mustBeOnBranch } from "../deployed-commit.ts";
import { parseEnvironment, StepError } from "../environment.ts";
import type { Git } from "../git.ts";
import { redactFailure } from "../redaction/redact-failure.ts";
import { secretParts } from "../redaction/secret-parts-of-credentials.ts";
import { type Attempts, openAttempts } from "./attempt-records.ts";
import { type Clone, type Confirmation, fetchClone } from "./clone.ts";
import { readCredentials } from "./credentials.ts";
import { openFailureReport } from "./failure-report.ts";
import { isFor, type Occasion, type PipelineFile, readPipeline, secretsOf } from "./pipeline-file.ts";
import { openPullRequests } from "./pull-requests.ts";
import { deploymentRuns, isDue, type PlannedRun, previewRuns, scheduledRun } from "./due-runs.ts";
import type { RunnerSettings } from "./settings.ts";
import { runSteps } from "./steps.ts";

export interface RunnerOptions {
  readonly settings: RunnerSettings;
  /** Name of the schedule that starts the run; the pipeline's own name by default. */
  readonly cron?: string;
  /** See `readCredentials`. */
  readonly credentials: string;
  /**
   * Which commit is deployed: by the engine's own history, or for previews by what the deployment published for them.
   * @param state variables that hold the state's place and key
   */
  readonly deployedCommit: (state: Readonly<Record<string, string>>) => Promise<string>;
  readonly log: (line: string) => void;
  readonly nowMs?: () => number;
  readonly signal?: AbortSignal;
}

/** File name of the pipeline that previews pull requests. */
export const PREVIEWS = "pull-request";
const DEPLOY = "deploy";

/** Above the engine's own limit for one deployment. */
const STEP_LIMIT_MS = 90 * 60_000;
const MAX_PREVIEWS = 20;

/**
 * Tells the chat where a run fails or cannot begin; the pipeline of previews has no chat, and reports in its comments.
 * @param name file name of a pipeline without its ending: `deploy`, `drift`, `pull-request`, …
 * @returns 0 where everything that was due ended well
 * @throws StepError or ForgeError before the first run where it cannot be decided what is due
 */
export async function runPipeline(name: string, options: RunnerOptions): Promise<0 | 1> {
  const { settings, credentials, cron = name, nowMs = Date.now } = options;
  const memory = join(settings.state, cron === name ? name : `${name}-${cron}`);
  const run = () =>
    runDue(name, memory, options).catch(async (cause: unknown) => {
      throw redactFailure(cause, await ownSecrets(options));
    });
  if (name === PREVIEWS) {
    const { failures, isWaiting } = await run();
    return failures.length > 0 || isWaiting ? 1 : 0;
  }
  const report = openFailureReport({ file: `${memory}.failure`, pipeline: name, settings, credentials, nowMs });
  try {
    const { failures, isWaiting } = await run();
    if (failures.length > 0) await report.failed(failures);
    else if (!isWaiting) await report.succeeded();
    return failures.length > 0 ? 1 : 0;
  } catch (cause) {
    const { message } = cause as Error;
    await report.failed([message]);
    throw cause;
  }
}

/** What the runner itself uses, and an engine's error may repeat. One that cannot be read is the failure to be told. */
async function ownSecrets({ settings, credentials }: RunnerOptions): Promise<readonly string[]> {
  const names = [settings.token, settings.stateEnvironment];
  const found = await Promise.allSettled(names.map((name) => readCredentials(credentials, [name])));
  return found.flatMap((one) =>
    one.status === "fulfilled" ? [...one.value].flatMap(([name, value]) => secretParts(name, value)) : [],
  );
}

interface Outcome {
  /** One sentence for each run that failed. */
  readonly failures: readonly string[];
  /** Whether a run that failed before waits for its next try. */
  readonly isWaiting: boolean;
}

async function runDue(name: string, memory: string, options: RunnerOptions): Promise<Outcome> {
  const { settings, log, cron = name, signal } = options;
  const token = (await readCredentials(options.credentials, [settings.token])).get(settings.token) ?? "";
  const attempts = await openAttempts(`${memory}.json`);
  const clone = await fetchClone({ ...settings, url: cloneUrl(settings), token, folder: `${memory}.git` });
  const commit = await deployedOn(clone, options);
  const pipeline = await pipelineOf(clone.git, commit, name);
  const runs =
    name === PREVIEWS
      ? previewRuns(settings.branch, await openPullRequests({ ...settings, token }))
      : await runsOf(cron, settings, clone, commit);
  const failures: string[] = [];
  let isWaiting = false;
  let count = 0;
  for (const run of runs) {
    if (signal?.aborted || !mayStart(run, attempts, options)) {
      isWaiting ||= attempts.find(run.key)?.ok === false;
      continue;
    }
    count += 1;
    if (name === PREVIEWS && count > MAX_PREVIEWS) break;
    const failure = await carryOut(pipeline, run, attempts, options);
    if (failure !== undefined) failures.push(failure);
    // What is deployed may have changed, and with it the program that decides: the next start looks anew.
    else if (run.occasion.event === "tag") break;
  }
  if (count === 0) log("Nothing is due.");
  return { failures, isWaiting };
}

/** @throws StepError where the commit that counts as deployed is not on the branch */
async function deployedOn({ git, head }: Clone, options: RunnerOptions): Promise<string> {
  const { settings, deployedCommit } = options;
  const deployed = await deployedCommit({ ...settings.environment, ...(await stateEnvironment(options)) });
  await mustBeOnBranch(git, deployed, settings.branch, head);
  return deployed;
}

async function stateEnvironment({ settings: { stateEnvironment: name }, credentials }: RunnerOptions) {
  return parseEnvironment(`The credential ${name}`, (await readCredentials(credentials, [name])).get(name) ?? "");
}

async function pipelineOf(git: Git, commit: string, name: string): Promise<PipelineFile> {
  const path = `.woodpecker/${name}.yaml`;
  const content = await git.file(commit, path);
  if (content === undefined) throw new StepError(`${commit.slice(0, 12)} has no ${path}.`);
  return readPipeline(`${path} of ${commit.slice(0, 12)}`, content.toString("utf8"));
}

async function runsOf(cron: string, { branch }: RunnerSettings, { git, head, confirmations }: Clone, deployed: string) {
  if (cron !== DEPLOY) return [scheduledRun(cron, branch, head)];
  const open: Confirmation[] = [];
  for (const one of confirmations) if (!(await git.isAncestor(one.commit, deployed))) open.push(one);
  const newestFirst = (await git.between(deployed, head)).map(({ hash }) => hash);
  open.sort((a, b) => newestFirst.indexOf(a.commit) - newestFirst.indexOf(b.commit));
  return deploymentRuns({ branch, deployed, head, confirmations: open });
}

function mayStart(run: PlannedRun, attempts: Attempts, { log, nowMs = Date.now }: RunnerOptions): boolean {
  const last = attempts.find(run.key);
  if (isDue(run, last, nowMs())) return true;
  if (last?.ok === false) log(`Skipped ${run.title}: it failed less than an hour ago, and nothing has changed since.`);
  return false;
}

/** @returns what failed, or undefined */
async function carryOut(
  pipeline: PipelineFile,
  run: PlannedRun,
  attempts: Attempts,
  options: RunnerOptions,
): Promise<string | undefined> {
  const { settings, log, nowMs = Date.now, signal } = options;
  mustAgree(pipeline, run.occasion, settings);
  const names = secretsOf(pipeline).filter((name) => !settings.absent.includes(name));
  const credentials = await readCredentials(options.credentials, names);
  log(`Run for ${run.title}.`);
  await attempts.record(run.key, { atMs: nowMs(), ok: false });
  const results = await runSteps(pipeline, {
    variables: { ...common(settings), ...run.variables },
    ...{ credentials, absent: settings.absent, environment: settings.environment, path: settings.path },
    ...{ timeoutMs: STEP_LIMIT_MS, onLine: log, ...(signal === undefined ? {} : { signal }) },
  });
  const bad = results.filter(({ code }) => code !== 0);
  await attempts.record(run.key, { atMs: nowMs(), ok: bad.length === 0 });
  const ended = bad.map(({ name, code, lastLine }) => {
    const sentence = `The step ${name} ended with ${code ?? "a signal"}`;
    return lastLine === "" ? `${sentence}.` : `${sentence}; its last line: ${lastLine}`;
  });
  for (const sentence of ended) log(sentence);
  log(`${bad.length === 0 ? "Done" : "Failed"}: ${run.title}.`);
  if (bad.length === 0) return undefined;
  // A schedule's failure is the same one whatever head the branch has by then.
  return run.again === "each time" ? ended.join(" ") : `Run for ${run.title}: ${ended.join(" ")}`;
}

/** @throws StepError where the file is for another branch or event, or a step for another stack, than was looked at */
function mustAgree(pipeline: PipelineFile, occasion: Occasion, { stack, branch, organization }: RunnerSettings): void {
  if (!isFor(pipeline, occasion))
    throw new StepError(
      `The pipeline's "when" has no entry for the event ${occasion.event} of ${occasion.ref ?? `the branch ${branch}`}, which ` +
        `the runner's settings follow. ${AGREE}`,
    );
  const wanted = { WS_STACK: stack, WS_BRANCH: branch, WS_ORGANIZATION: organization };
  for (const { name, environment } of pipeline.steps)
    for (const [variable, expected] of Object.entries(wanted)) {
      const found = environment[variable];
      if (found !== undefined && found !== expected)
        throw new StepError(
          `The step ${name} has ${variable}: ${typeof found === "string" ? found : "a secret"}, and the runner's settings say ` +
            `${expected}. ${AGREE}`,
        );
    }
}

const AGREE = "Make them agree, in .woodpecker/*.yaml or in the settings.";

const cloneUrl = ({ forge, owner, repository }: RunnerSettings) =>
  `${forge.replace(/\/+$/, "")}/${owner}/${repository}.git`;

const common = (settings: RunnerSettings): Readonly<Record<string, string>> => ({
  CI: "workstation-runner",
  CI_FORGE_URL: settings.forge,
  CI_REPO_OWNER: settings.owner,
  CI_REPO_NAME: settings.repository,
  CI_REPO_CLONE_URL: cloneUrl(settings),
});
