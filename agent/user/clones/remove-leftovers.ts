/** Removes the files and partial clones that a killed run of this program left, and nothing else. */

import { readdirSync, rmSync } from "node:fs";
import { LEFTOVER, lstat } from "../../lib/files.ts";
import { systemCode } from "../../lib/errors.ts";
import { type Step, says } from "../../lib/converge.ts";
import { HALF_CLONE } from "./clone-missing.ts";
import { type StepContext, displayPath } from "../home/step-context.ts";

export function sweep(context: StepContext): Step {
  const directories = ["", "/code", "/.kube", "/.codex"].map((directory) => `${context.home}${directory}`);
  return {
    name: "sweep",
    differences: () =>
      directories.flatMap((directory) =>
        namesIn(directory)
          .map((name) => `${directory}/${name}`)
          .filter((path) => isOurs(path))
          .map((path) => ({
            point: "sweep" as const,
            says: says("remove", `${displayPath(context, path)}, left by a run that was killed`),
            apply: () => rmSync(path, { recursive: true, force: true }),
          })),
      ),
  };
}

function isOurs(path: string): boolean {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const stat = lstat(path);
  return (HALF_CLONE.test(name) && stat?.isDirectory() === true) || (LEFTOVER.test(name) && stat?.isFile() === true);
}

function namesIn(directory: string): readonly string[] {
  // A link is not followed: what it leads to is not swept.
  if (lstat(directory)?.isDirectory() !== true) return [];
  try {
    return readdirSync(directory);
  } catch (error) {
    if (systemCode(error) === "EACCES") return [];
    throw error;
  }
}
