/** Implements `make env`: prints the environment of the lab's engine as lines that a shell's `eval` understands. */

import { requireInstance } from "./instance.ts";
import { openEngine } from "./pulumi/engine.ts";
import { shellQuoted } from "../clients/shell-quote.ts";

/** Throws `LabError` where there is no lab. The shell's own PATH stays, behind the engine's folders. */
export async function shellEnv(): Promise<string> {
  const { env, configFile } = await openEngine(await requireInstance());
  const words = Object.entries({ ...env, WS_LAB_CONFIG: configFile });
  return words
    .map(([key, value]) => `export ${key}=${shellQuoted(value)}${key === "PATH" ? ':"$PATH"' : ""}`)
    .join("\n");
}
