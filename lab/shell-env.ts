/** Implements `make env`: prints the environment of the lab's engine as lines that a shell's `eval` understands. */

import { findInstance, instanceName } from "./instance.ts";
import { LabError } from "./lab-error.ts";
import { openEngine } from "./pulumi/engine.ts";
import { shellQuoted } from "../clients/shell-quote.ts";

/** Throws `LabError` where there is no lab. The shell's own PATH stays, behind the engine's folders. */
export async function shellEnv(): Promise<string> {
  const name = instanceName();
  const instance = await findInstance(name);
  if (instance === undefined) throw new LabError(`There is no lab "${name}" on this machine; bring it up: make up`);
  const { env, configFile } = await openEngine(instance);
  const words = Object.entries({ ...env, WS_LAB_CONFIG: configFile });
  return words
    .map(([key, value]) => `export ${key}=${shellQuoted(value)}${key === "PATH" ? ':"$PATH"' : ""}`)
    .join("\n");
}
