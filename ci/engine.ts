/** Starts Pulumi for the steps with one stack, one configuration and one state, each named and never the selected one. */

import { find, requiredVariable, StepError } from "./environment.ts";
import { type Ran, run } from "./run.ts";
import { clean } from "./log.ts";

export interface StackAt {
  readonly stack: string;
  /** Folder of the program: a checkout. */
  readonly folder: string;
  readonly configFile?: string;
  /** Another state and passphrase than the step's own. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

export interface PulumiOptions {
  readonly input?: string;
  readonly timeoutMs?: number;
  readonly onLine?: (line: string) => void;
}

/** `pulumi <args> --stack …`, with any exit code. */
export function pulumi(at: StackAt, args: readonly string[], options: PulumiOptions = {}): Promise<Ran> {
  const file = at.configFile === undefined || !TAKES_FILE.has(args[0] ?? "") ? [] : ["--config-file", at.configFile];
  return run(["pulumi", ...args, "--stack", fullName(at), ...file, "--non-interactive", "--color=never"], {
    cwd: at.folder,
    env: { PULUMI_SKIP_UPDATE_CHECK: "1", ...at.env },
    timeoutMs: RUN_LIMIT_MS,
    ...options,
  });
}

/** The stack's own backend may know it by an organisation; a place in a folder or a bucket knows none. */
const fullName = ({ stack, env }: StackAt): string =>
  env?.PULUMI_BACKEND_URL === undefined && !stack.includes("/")
    ? `${find("WS_ORGANIZATION") ?? "organization"}/${PROJECT_NAME}/${stack}`
    : stack;

/** `name` in `Pulumi.yaml`. */
const PROJECT_NAME = "workstation";

/** The stack that the pipelines are about, by its full name. */
export const stackOfPipeline = (): string => fullName({ stack: requiredVariable("WS_STACK"), folder: "" });

/** @throws StepError with what the engine said, cleaned, unless it ends well */
export async function mustPulumi(at: StackAt, args: readonly string[], options: PulumiOptions = {}): Promise<string> {
  const ran = await pulumi(at, args, options);
  if (ran.code === 0) return ran.stdout.toString("utf8");
  const why = ran.stderr.split("\n").filter((line) => /\b(error|panic):/.test(line));
  throw new StepError(`pulumi ${args.slice(0, 2).join(" ")} failed:\n${clean(tail(why.join("\n") || ran.stderr))}`);
}

/** The end of what a program said, which names the reason. */
export const tail = (text: string, lines = 12): string =>
  text
    .trim()
    .split("\n")
    .slice(-lines)
    .map((line) => `  ${line}`)
    .join("\n");

const TAKES_FILE: ReadonlySet<string> = new Set(["up", "preview", "refresh", "config", "cancel"]);

/** A deployment of a large stack; the pipeline's own limit stands above it. */
const RUN_LIMIT_MS = 55 * 60_000;
