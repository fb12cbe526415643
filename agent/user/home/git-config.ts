/** Reads the configuration of a clone, or of the user, as git itself reads it. */

import { Refusal } from "../../lib/errors.ts";
import { describeGitFailure } from "../../lib/git.ts";
import type { CloneContext } from "./step-context.ts";

export interface GitConfig {
  /** The last value of a key wherever it is set; section and name in lower case, as git prints them. */
  get(key: string): string | undefined;
  /** All values of a key, in the order in which git reads them. */
  all(key: string): readonly string[];
  readonly keys: readonly string[];
}

/** @throws Refusal when git cannot read it (a pipe, a syntax error): unknown is not empty. */
export async function readGitConfig(context: CloneContext, clone?: string): Promise<GitConfig> {
  const args = ["config", "--list", "--null", ...(clone === undefined ? ["--global", "--includes"] : [])];
  const ran = await context.git.run(args, clone === undefined ? {} : { in: clone });
  // Without any configuration file of the person's own git ends with 1 or 128 and names the file that is missing.
  const none = clone === undefined && ran.code !== 0 && /unable to read config file|No such file/.test(ran.stderr);
  if (ran.code !== 0 && !none) throw new Refusal(`git configuration: ${describeGitFailure(ran)}`);
  const values = new Map<string, string[]>();
  for (const entry of none ? [] : ran.stdout.split("\0")) {
    const at = entry.indexOf("\n");
    if (entry === "") continue;
    const key = at < 0 ? entry : entry.slice(0, at);
    values.set(key, [...(values.get(key) ?? []), at < 0 ? "true" : entry.slice(at + 1)]);
  }
  return { get: (key) => values.get(key)?.at(-1), all: (key) => values.get(key) ?? [], keys: [...values.keys()] };
}
