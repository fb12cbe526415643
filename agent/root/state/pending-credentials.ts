/** Keeps a person's forge credentials until they are delivered into the home: in memory, readable by root alone. */

import { recordFailure } from "./failures.ts";
import type { System } from "../system/privileged-operations.ts";

export const PENDING_CREDENTIALS = "/run/workstation/credentials";

export const pendingCredentialsFile = (who: string): string => `${PENDING_CREDENTIALS}/${who}.json`;

export const hasPendingCredentials = (sys: System, who: string): boolean =>
  sys.look(pendingCredentialsFile(who)) !== undefined;

/** It will not be tried again, and that it failed is no failure any more. */
export function dropPendingCredentials(sys: System, who: string): void {
  sys.remove(pendingCredentialsFile(who));
  recordFailure(sys, who, "credentials", undefined);
}
