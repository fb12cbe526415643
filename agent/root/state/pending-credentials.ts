/** Keeps a person's forge credentials until they are delivered into the home: in memory, readable by root alone. */

import { recordFailure } from "./failures.ts";
import type { System } from "../system/privileged-operations.ts";

export const WAITING = "/run/workstation/credentials";

export const waitingFile = (who: string): string => `${WAITING}/${who}.json`;

export const isWaiting = (sys: System, who: string): boolean => sys.look(waitingFile(who)) !== undefined;

/** It will not be tried again, and that it failed is no failure any more. */
export function dropWaiting(sys: System, who: string): void {
  sys.remove(waitingFile(who));
  recordFailure(sys, who, "credentials", undefined);
}
