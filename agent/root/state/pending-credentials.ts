/** Where a person's access to the forge waits until it has arrived in their home: in memory, closed to all but root. */

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
