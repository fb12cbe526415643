/** Keeps a person's credentials for the forge and for Vault until they are delivered into the home: in memory, readable by root alone. */

import { recordFailure } from "./failures.ts";
import type { System } from "../system/privileged-operations.ts";

export const PENDING_CREDENTIALS = "/run/workstation/credentials";

export const pendingCredentialsFile = (osUser: string): string => `${PENDING_CREDENTIALS}/${osUser}.json`;

export const hasPendingCredentials = (sys: System, osUser: string): boolean =>
  sys.look(pendingCredentialsFile(osUser)) !== undefined;

/** It will not be tried again, and that it failed is no failure any more. */
export function dropPendingCredentials(sys: System, osUser: string): void {
  sys.remove(pendingCredentialsFile(osUser));
  recordFailure(sys, osUser, "credentials", undefined);
}
