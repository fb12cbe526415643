/**
 * Runs the operator's own `pulumi` to read a stack's configuration, outputs, state and updates, and turns its failure
 * into one sentence.
 */

import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { parseJson } from "../clients/parse-json.ts";
import { ProgramError, type ProgramResult, runProgram } from "../clients/process/run-program.ts";

/** The project's folder: where `pulumi` finds `Pulumi.yaml`, and where files that settings name are looked for. */
export const PROJECT = fileURLToPath(new URL("..", import.meta.url));

/** Which stack, where it is not the selected one with its usual file. */
export interface StackSelection {
  readonly stack: string | undefined;
  /** An absolute path. */
  readonly configFile: string | undefined;
}

export interface StackValues {
  /** By full key; objects as JSON text. Holds secrets: never to be shown. */
  readonly values: Readonly<Record<string, string>>;
  /** Full keys whose values are encrypted. */
  readonly encrypted: readonly string[];
}

/** `pulumi` could not answer: one sentence that says what to do. */
export class PulumiError extends Error {}

/** The stack's configuration with its secrets. @throws PulumiError */
export async function configOf({ stack, configFile }: StackSelection): Promise<StackValues> {
  if (configFile !== undefined && !existsSync(configFile)) {
    throw new PulumiError(`There is no configuration file ${configFile}; look at the spelling of --config-file.`);
  }
  const file = configFile === undefined ? [] : ["--config-file", configFile];
  const answer = await ask(["config", "--json", "--show-secrets", ...file, ...selecting(stack)]);
  const entries = configForm.safeParse(answer);
  if (!entries.success) throw new PulumiError(UNKNOWN_ANSWER);
  const all = Object.entries(entries.data);
  return {
    values: Object.fromEntries(all.map(([key, { value }]) => [key, value])),
    encrypted: all.filter(([, { secret }]) => secret).map(([key]) => key),
  };
}

/** The outputs of the stack's last run, none where it never ran. @throws PulumiError */
export async function outputsOf({ stack }: StackSelection): Promise<Readonly<Record<string, unknown>>> {
  const outputs = z
    .record(z.string(), z.unknown())
    .safeParse(await ask(["stack", "output", "--json", ...selecting(stack)]));
  if (!outputs.success) throw new PulumiError(UNKNOWN_ANSWER);
  return outputs.data;
}

/** The stack's state as the engine keeps it, secrets encrypted. @throws PulumiError */
export const stateOf = ({ stack }: StackSelection): Promise<unknown> => ask(["stack", "export", ...selecting(stack)]);

const update = z.object({
  kind: z.string(),
  endTime: z.string(),
  message: z.string().default(""),
  result: z.string(),
  environment: z.record(z.string(), z.string()).default({}),
});

/** One run of the engine on the stack: what it says of itself. */
export type Update = z.output<typeof update>;

/** The stack's runs, the newest first. @param newest how many of them; all where absent. @throws PulumiError */
export async function updatesOf({ stack }: StackSelection, newest?: number): Promise<readonly Update[]> {
  const pages = newest === undefined ? [] : ["--page-size", String(newest), "--page", "1"];
  const updates = z.array(update).safeParse(await ask(["stack", "history", "--json", ...pages, ...selecting(stack)]));
  if (!updates.success) throw new PulumiError(UNKNOWN_ANSWER);
  return updates.data;
}

/** The name of the stack that is meant. @throws PulumiError */
export async function nameOf({ stack }: StackSelection): Promise<string> {
  if (stack !== undefined) return stack.split("/").at(-1) ?? stack;
  const all = z.array(z.object({ name: z.string(), current: z.boolean().default(false) }));
  const stacks = all.safeParse(await ask(["stack", "ls", "--json"]));
  const name = stacks.success ? stacks.data.find(({ current }) => current)?.name : undefined;
  if (name === undefined) throw new PulumiError(NO_STACK);
  return name.split("/").at(-1) ?? name;
}

const configForm = z.record(z.string(), z.object({ value: z.string(), secret: z.boolean() }));

const UNKNOWN_ANSWER = "pulumi answered in a form that this program does not know; does `pulumi version` say v3?";

const selecting = (stack: string | undefined) => (stack === undefined ? [] : ["--stack", stack]);

/** A state that lies far away takes its time; one that never comes is said. */
const LIMIT_MS = 120_000;

/** Runs `pulumi` without any question to the terminal and reads its JSON. What it prints may be secret and is never repeated. */
async function ask(args: readonly string[]): Promise<unknown> {
  const { code, stdout, stderr } = await run([...args, "--non-interactive"]);
  if (code !== 0) throw new PulumiError(reasonOf(stderr));
  const answer = parseJson(stdout.toString("utf8"));
  if (answer === undefined) throw new PulumiError(UNKNOWN_ANSWER);
  return answer;
}

function run(args: readonly string[]): Promise<ProgramResult> {
  return runProgram(["pulumi", ...args], { cwd: PROJECT, timeoutMs: LIMIT_MS }).catch((cause: unknown) => {
    if (!(cause instanceof ProgramError)) throw cause;
    throw new PulumiError(cause.code === "ENOENT" ? NO_PULUMI : `${cause.message}.`);
  });
}

const NO_PULUMI =
  "There is no pulumi on the PATH. Install it, or use the lab's: eval \"$(make -s env)\" in the project's folder.";

const NO_STACK = "There is no such stack, or none is selected: `pulumi stack ls` lists them, --stack names one.";

/** Causes by pulumi's own words, each with what to do about it. */
const REASONS: readonly (readonly [RegExp, string])[] = [
  [
    /passphrase/i,
    "The stack's passphrase is not known, or is not the right one: set PULUMI_CONFIG_PASSPHRASE_FILE to the file that " +
      "holds it (or PULUMI_CONFIG_PASSPHRASE).",
  ],
  [
    /no stack named|no stack selected|stack .*not found|no previous deployment|missing stack name|a stack name/i,
    NO_STACK,
  ],
  [
    /PULUMI_ACCESS_TOKEN|pulumi login|not logged in/i,
    "pulumi is not logged in to where the stack's state is kept: run `pulumi login`, or set PULUMI_BACKEND_URL.",
  ],
];

function reasonOf(err: string): string {
  const reason = REASONS.find(([words]) => words.test(err));
  if (reason !== undefined) return reason[1];
  const line = err
    .split("\n")
    .map((text) => text.trim())
    .find((text) => text.startsWith("error:"));
  return line === undefined
    ? `pulumi gave no answer within ${LIMIT_MS / 1000} s, or ended without saying why; try \`pulumi stack output\` by hand.`
    : `pulumi cannot answer (${line.slice("error:".length).trim()}); try \`pulumi stack output\` by hand.`;
}
