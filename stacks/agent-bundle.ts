/** Writes the host agent's bundle to a file of this machine, from which the engine uploads it. */

import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { bundleAgent } from "../agent/bundle.ts";
import { cachedBundle } from "./cached-bundle.ts";
import type { AgentBundle } from "./devvm.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** Relative to the project's folder, so that the state names no path of one machine. Ignored by git. */
const FOLDER = "dist";

/** Bundles the agent's present sources. Same sources, same bytes, same file. */
export async function buildAgent(): Promise<AgentBundle> {
  const { text, sha256 } = await cachedBundle(ROOT, bundleAgent);
  const path = `${FOLDER}/agent.mjs`;
  mkdirSync(FOLDER, { recursive: true });
  if (!holds(path, text)) {
    writeFileSync(`${path}.new`, text);
    renameSync(`${path}.new`, path);
  }
  return { path, sha256 };
}

function holds(path: string, text: string): boolean {
  try {
    return readFileSync(path, "utf8") === text;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw cause;
  }
}
