/** Mirrors the organisation's guidance to `~/.codex/AGENTS.md`, for a tool that has no machine-wide settings. */

import { lstat, readSmallFile } from "../../lib/files.ts";
import type { Step } from "../../lib/converge.ts";
import { ownFileChanges } from "./managed-files.ts";
import type { StepContext } from "./step-context.ts";

export const MIRROR_HEADER =
  "<!-- Mirror of the organisation's guidance, written by workstation. Remove this line to keep a file of your own. -->";

/** Created when `~/.codex` exists, regenerated when stale; without the header the file is its person's. */
export function codexMirror(context: StepContext): Step {
  const directory = `${context.home}/.codex`;
  const path = `${directory}/AGENTS.md`;
  return {
    name: "codex mirror",
    differences: () => {
      if (lstat(directory)?.isDirectory() !== true) return [];
      const there = lstat(path);
      if (there?.isFile() && readSmallFile(path)?.toString("utf8").startsWith(`${MIRROR_HEADER}\n`) === false)
        return [];
      return ownFileChanges(context, {
        path,
        text: `${MIRROR_HEADER}\n${context.part.guidance}`,
        mode: 0o644,
        point: "codex-mirror",
      });
    },
  };
}
