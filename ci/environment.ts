/**
 * Reads the variables of the pipeline's server and the operator's secrets, and checks the form of each. No other module
 * of `ci/` reads the environment.
 */

import { z } from "zod";
import { secretParts } from "./redaction/secret-parts-of-credentials.ts";
import { FULL_HASH } from "../roster/deployment-message.ts";

/** A step was called without what it needs: a sentence for the operator. */
export class StepError extends Error {
  override readonly name = "StepError";
}

const hash = z.string().regex(FULL_HASH, "is not the full hash of a commit");
const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, "is not a plain name");
const url = z.url({ protocol: /^https?$/, error: "is not a web address" });

/** Woodpecker's variables (`CI_…`) and the ones of `.woodpecker/` (`WS_…`), by name: the form of each that a step may ask for. */
const FORMS = {
  CI_PIPELINE_EVENT: z.enum(["push", "tag", "cron", "manual", "pull_request"]),
  CI_PIPELINE_URL: url,
  CI_COMMIT_SHA: hash,
  CI_COMMIT_TAG: z.string().max(255),
  CI_COMMIT_PULL_REQUEST: z.coerce.number().int().positive(),
  CI_FORGE_URL: url,
  CI_REPO_OWNER: name,
  CI_REPO_NAME: name,
  /** The stack's name, as `Pulumi.<stack>.yaml` has it. */
  WS_STACK: name,
  /** The branch that deploys. */
  WS_BRANCH: name,
  /** Organisation of the stack: `organization`, unless the state is kept by Pulumi Cloud. */
  WS_ORGANIZATION: name,
  /** Folder for the checkout of a commit that a run deploys, relative to the program's own. */
  WS_DEPLOYED: z.string().min(1),
  WS_FORGE_USER: name,
  WS_FORGE_TOKEN: z.string().min(1),
  WS_CHAT_WEBHOOK: url,
  /** Where previews find the state that holds no secret, and what opens it: lines `NAME=value` for the engine. */
  WS_PREVIEW_ENVIRONMENT: z.string().min(1),
  WS_PREVIEW_KUBECONFIG: z.string().trim().min(1),
  WS_PREVIEW_VAULT_TOKEN: z.string().trim().min(1),
  WS_PREVIEW_FORGE_TOKEN: z.string().trim().min(1),
  /** File that hands what a preview found to the step that comments. */
  WS_REPORT: z.string().min(1),
  /** How long a deployment waits for another one. */
  WS_WAIT_MINUTES: z.coerce.number().min(0).max(600),
} as const;

export type Variable = keyof typeof FORMS;
type Value<V extends Variable> = z.output<(typeof FORMS)[V]>;

/** @throws StepError that names the variable and never repeats its value */
export function requiredVariable<V extends Variable>(variable: V): Value<V> {
  const value = find(variable);
  if (value !== undefined) return value;
  throw new StepError(`${variable} is not set: docs/deployment.md says which variables and secrets each step needs.`);
}

/** Empty counts as absent, as Woodpecker itself leaves out what is empty. @throws StepError for a value of another form */
export function find<V extends Variable>(variable: V): Value<V> | undefined {
  const text = process.env[variable];
  if (text === undefined || text === "") return undefined;
  const parsed = FORMS[variable].safeParse(text);
  if (parsed.success) return parsed.data as Value<V>;
  throw new StepError(`${variable}: its value ${parsed.error.issues[0]?.message ?? "is of another form"}.`);
}

/**
 * Puts the lines of `WS_STATE_ENVIRONMENT` into this process's environment: where the stack's state is, and whatever its
 * backend and its secrets provider want to be told. The programs that a step starts inherit them.
 * @throws StepError for a line of another form; it never repeats the line
 */
export function useStateEnvironment(): void {
  const text = process.env.WS_STATE_ENVIRONMENT;
  if (text === undefined || text === "") return;
  Object.assign(process.env, parseEnvironment("WS_STATE_ENVIRONMENT", text));
}

/**
 * Reads lines `NAME=value`; the value is taken as it stands, without quotes or escapes. Empty lines and lines that begin
 * with `#` do not count.
 * @throws StepError that names the variable and the line's number
 */
export function parseEnvironment(variable: string, text: string): Readonly<Record<string, string>> {
  const entries = text.split(/\r?\n/).flatMap((line, index) => {
    if (line.trim() === "" || line.startsWith("#")) return [];
    const [, key, value] = /^([A-Za-z_][A-Za-z0-9_]*)=(.+)$/.exec(line) ?? [];
    if (key === undefined || value === undefined)
      throw new StepError(`${variable}: line ${index + 1} must have the form NAME=value.`);
    return [[key, value] as const];
  });
  return Object.fromEntries(entries);
}

let found: { readonly values: readonly string[]; readonly parts: readonly string[] } = { values: [], parts: [] };

/** Texts that no output of a step may hold, whoever provided them; the same list as long as the variables are the same. */
export function secrets(): readonly string[] {
  const values = SECRET.map((variable) => process.env[variable] ?? "");
  if (values.some((value, index) => value !== found.values[index]))
    found = { values, parts: SECRET.flatMap((variable, index) => secretParts(variable, values[index] ?? "")) };
  return found.parts;
}

/** Changes of the environment that take every credential away from a program that needs none. */
export function withoutSecrets(): Readonly<Record<string, undefined>> {
  const state = (process.env.WS_STATE_ENVIRONMENT ?? "").split("\n").map((line) => line.slice(0, line.indexOf("=")));
  return Object.fromEntries([...SECRET, ...state.filter((name) => name !== "")].map((name) => [name, undefined]));
}

const SECRET = [
  "WS_STATE_ENVIRONMENT",
  "WS_FORGE_TOKEN",
  "WS_CHAT_WEBHOOK",
  "WS_PREVIEW_ENVIRONMENT",
  "WS_PREVIEW_KUBECONFIG",
  "WS_PREVIEW_VAULT_TOKEN",
  "WS_PREVIEW_FORGE_TOKEN",
  "PULUMI_CONFIG_PASSPHRASE",
  "PULUMI_ACCESS_TOKEN",
  "AWS_SECRET_ACCESS_KEY",
  "AWS_SESSION_TOKEN",
] as const;

/** The environment for a program that this one starts: its own, with these changes; `undefined` takes a variable away. */
export function environment(changes: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const all = { ...process.env, ...changes };
  return Object.fromEntries(Object.entries(all).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])));
}
