/** Defines the settings of a run over people's parts, and the outcome of one part. */

import type { Machine } from "../system/cached-accounts-and-units.ts";
import type { PersonKind } from "../state/stored-parts.ts";
import type { RemovalAllowance } from "./offboarding-limits-of-host.ts";

export interface PersonRun {
  readonly m: Machine;
  readonly mode: "apply" | "check";
  /** Prints a line on standard output that begins with the user. */
  readonly info: (line: string) => void;
  readonly warn: (line: string) => void;
  readonly allowance: RemovalAllowance;
  readonly workerDeadlineMs: number;
  readonly nowMs: number;
  readonly failpoint: string | undefined;
  /** Whose worker need not start when nothing has changed: everybody's in an hourly run, nobody's in a delivery. */
  probing(osUser: string): boolean;
}

export interface FailedOutcome {
  readonly who: string;
  readonly kind: PersonKind;
  /** Why. */
  readonly failed: string;
}
export type Outcome = { readonly who: string; readonly kind: PersonKind; readonly changed: number } | FailedOutcome;
