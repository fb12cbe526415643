/** The texts that the agent installs, by name. In the bundle this file is replaced by one that carries them inside. */

import { readFileSync } from "node:fs";

/** @throws when there is no such file in `agent/files`. */
export function asset(name: string): string {
  return readFileSync(new URL(`../files/${name}`, import.meta.url), "utf8");
}
