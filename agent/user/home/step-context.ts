/** Defines what every step of a worker works with: the task, the home, git, and a function for warnings. */

import type { ClonesPart } from "../../contract.ts";
import type { Git } from "../../lib/git.ts";

/** What the work on one clone needs, for the hourly run and for the launcher alike. */
export interface CloneContext {
  readonly part: Pick<ClonesPart, "infra">;
  readonly mode: "apply" | "check";
  readonly home: string;
  readonly git: Git;
  /** Said on standard error and remembered; it does not turn the run red. */
  warn(sentence: string): void;
}

export interface StepContext extends CloneContext {
  readonly part: ClonesPart;
  readonly launcher: string;
  /** No remote is asked for anything in this run. */
  readonly offline?: boolean;
}

/** A path as its owner writes it: `~/code/infra`. */
export const displayPath = (context: Pick<CloneContext, "home">, path: string): string =>
  path.replace(`${context.home}/`, "~/");
