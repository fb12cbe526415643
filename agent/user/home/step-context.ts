/** Defines what every step of a worker works with: the task, the home, git, and a function for warnings. */

import type { ClonesPart } from "../../contract.ts";
import type { Git } from "../../lib/git.ts";

export interface StepContext {
  readonly part: ClonesPart;
  readonly mode: "apply" | "check";
  readonly home: string;
  readonly launcher: string;
  readonly git: Git;
  /** No remote is asked for anything in this run. */
  readonly offline?: boolean;
  /** Said on standard error and remembered; it does not turn the run red. */
  warn(sentence: string): void;
}

/** A path as its owner writes it: `~/code/infra`. */
export const displayPath = (place: StepContext, path: string): string => path.replace(`${place.home}/`, "~/");
