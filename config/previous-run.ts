/** The stack outputs by which a run hands its ledger on to the next one. */

import { z } from "zod";

/** Name of the stack output that holds the ledger. */
export const LEDGER_OUTPUT = "ledger";

/** Name of the stack output that holds the version of the user map that the last run went by. */
export const USER_MAP_VERSION_OUTPUT = "userMapVersion";

export interface PreviousRun {
  /** The ledger as the last run wrote it; undefined for a stack that never ran. */
  readonly ledger: unknown;
  readonly userMapVersion?: number;
}

/** @param output the stack's outputs by name, undefined where there is none */
export function previousRunFrom(output: (name: string) => unknown): PreviousRun {
  const version = z.int().optional().parse(output(USER_MAP_VERSION_OUTPUT));
  return { ledger: output(LEDGER_OUTPUT), ...(version === undefined ? {} : { userMapVersion: version }) };
}
