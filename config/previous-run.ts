/** Defines the stack outputs by which a run passes its ledger on to the next one. */

import { z } from "zod";

/** Name of the stack output that holds the ledger. */
export const LEDGER_OUTPUT = "ledger";

/** Name of the stack output that holds the version of the user map that the last run went by. */
export const USER_MAP_VERSION_OUTPUT = "userMapVersion";

/** Name of the stack output that holds what surfaces may hold beside the ledger: see `roster/undelivered-changes.ts`. */
export const UNDELIVERED_OUTPUT = "undelivered";

export interface PreviousRun {
  /** The ledger as the last run wrote it; undefined for a stack that never ran. */
  readonly ledger: unknown;
  /** What the last run left undelivered; undefined where a version wrote the outputs that did not record it. */
  readonly undelivered?: unknown;
  readonly userMapVersion?: number;
}

/** @param output the stack's outputs by name, undefined where there is none */
export function previousRunFrom(output: (name: string) => unknown): PreviousRun {
  const version = z.int().optional().parse(output(USER_MAP_VERSION_OUTPUT));
  const inputs = { ledger: output(LEDGER_OUTPUT), undelivered: output(UNDELIVERED_OUTPUT) };
  return { ...inputs, ...(version === undefined ? {} : { userMapVersion: version }) };
}
