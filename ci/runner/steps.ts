/** Carries out a pipeline's steps, one after the other, each with its own variables and secrets and nothing else. */

import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { redactor } from "../../clients/http/redact.ts";
import { StepError } from "../environment.ts";
import { secretParts } from "../redaction/secret-parts-of-credentials.ts";
import type { Credentials } from "./credentials.ts";
import type { PipelineFile, Step } from "./pipeline-file.ts";

export interface StepsOptions {
  /** `CI_…`, the same for every step. */
  readonly variables: Readonly<Record<string, string>>;
  readonly credentials: Credentials;
  /** Secrets that the steps name and the site does not have. */
  readonly absent: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly path: readonly string[];
  /** For each step. */
  readonly timeoutMs: number;
  /** Called with each line of output; secrets are already taken out. */
  readonly onLine: (line: string) => void;
  readonly signal?: AbortSignal;
}

/** A step's exit: null where a signal or the deadline ended it. */
export interface StepResult {
  readonly name: string;
  readonly code: number | null;
  /** The last line of its output that is not empty, redacted. */
  readonly lastLine: string;
}

/**
 * Runs the steps in a workspace of their own, which is removed afterwards. After a failure only steps run that ask for it.
 * @throws StepError before the first step where a secret is missing
 */
export async function runSteps({ steps }: PipelineFile, options: StepsOptions): Promise<readonly StepResult[]> {
  const environments = steps.map((step) => environmentOf(step, options));
  const redact = redactor([...options.credentials].flatMap(([name, value]) => secretParts(name, value)));
  const root = await mkdtemp(join(tmpdir(), "pipeline-"));
  const [workspace, home] = [join(root, "workspace"), join(root, "home")];
  const results: StepResult[] = [];
  try {
    for (const folder of [workspace, home]) await mkdir(folder, { mode: 0o700 });
    for (const [at, step] of steps.entries()) {
      const failed = results.some(({ code }) => code !== 0);
      if (failed && !step.when.some(({ status }) => status.includes("failure"))) continue;
      const env = { ...base(options, home), ...environments[at] };
      let lastLine = "";
      const onLine = (line: string) => {
        const shown = redact(line);
        if (shown !== "") lastLine = shown;
        options.onLine(`[${step.name}] ${shown}`);
      };
      const code = await shell(step, { cwd: workspace, env, onLine, ...limits(options) });
      results.push({ name: step.name, code, lastLine });
    }
    return results;
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

const limits = ({ timeoutMs, signal }: StepsOptions) => ({ timeoutMs, ...(signal === undefined ? {} : { signal }) });

/** Nothing of this process's own environment reaches a step but the list of authorities that it trusts. */
const base = ({ variables, environment, path }: StepsOptions, home: string): Record<string, string> => ({
  HOME: home,
  LANG: "C.UTF-8",
  ...authorities(),
  PATH: [...path, dirname(process.execPath), "/usr/local/bin", "/usr/bin", "/bin"].join(":"),
  ...environment,
  ...variables,
});

const authorities = (file = process.env.NODE_EXTRA_CA_CERTS) =>
  file === undefined ? {} : { NODE_EXTRA_CA_CERTS: file };

/** @throws StepError that names the step, the variable and the secret */
function environmentOf(step: Step, { credentials, absent }: StepsOptions): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(step.environment).flatMap(([variable, value]) => {
      if (typeof value === "string") return [[variable, value]];
      const secret = credentials.get(value.from_secret);
      if (secret !== undefined) return [[variable, secret]];
      if (absent.includes(value.from_secret)) return [];
      throw new StepError(`The step ${step.name} needs the credential ${value.from_secret} for ${variable}.`);
    }),
  );
}

interface Shell {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly onLine: (line: string) => void;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** The commands as one script: `sh -e` ends at the first that fails. */
function shell({ name, commands }: Step, { cwd, env, onLine, timeoutMs, signal }: Shell): Promise<number | null> {
  return new Promise((resolve, reject) => {
    // A process group of its own, so that nothing of the step outlives its deadline.
    const child = spawn("/bin/sh", ["-e"], { cwd, env, stdio: ["pipe", "pipe", "pipe"], detached: true });
    const end = () => signalGroup(child, "SIGKILL");
    let killing: NodeJS.Timeout | undefined;
    // The engine gives its lock back when it is asked to end; a lock that stays would stop every later run.
    const stop = () => {
      signalGroup(child, "SIGTERM");
      killing ??= setTimeout(end, STOP_MS);
    };
    const late = setTimeout(() => {
      onLine(`ended: the step did not finish within ${Math.round(timeoutMs / 60_000)} minutes`);
      stop();
    }, timeoutMs);
    signal?.addEventListener("abort", stop, { once: true });
    const rests = [child.stdout, child.stderr].map((stream) => eachLine(stream, onLine));
    // A script that ends early closes its input; its exit code says what that means.
    child.stdin.on("error", () => undefined);
    child.stdin.end(`${commands.join("\n")}\n`);
    child.on("error", (cause) => {
      clearTimeout(late);
      reject(new StepError(`The step ${name} cannot be started: ${cause.message}.`, { cause }));
    });
    // A background process may hold the output open, so the step ends with its shell and takes its group along.
    child.on("exit", end);
    child.on("close", (code) => {
      clearTimeout(late);
      clearTimeout(killing);
      signal?.removeEventListener("abort", stop);
      for (const rest of rests) rest();
      resolve(code);
    });
  });
}

/** How long a step that was asked to end has for it; the units' own limit stands above it. */
const STOP_MS = 5 * 60_000;

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch (cause) {
    // The group is empty already.
    if ((cause as NodeJS.ErrnoException).code !== "ESRCH") throw cause;
  }
}

/** A line longer than this is cut: no program's output may fill the memory. */
const MAX_LINE = 64 * 1024;

/** @returns what reports the last line, which has no end */
function eachLine(stream: NodeJS.ReadableStream, onLine: (line: string) => void): () => void {
  let rest = "";
  stream.setEncoding("utf8");
  stream.on("data", (part: string) => {
    const lines = `${rest}${part}`.split("\n");
    rest = (lines.pop() ?? "").slice(0, MAX_LINE);
    for (const line of lines) onLine(line);
  });
  return () => {
    if (rest !== "") onLine(rest);
  };
}
