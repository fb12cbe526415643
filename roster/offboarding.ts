/** Tells from a ledger entry whether somebody is offboarded, and on which hosts their access has ended. Pure. */

import type { HostName, LedgerEntry } from "./model.ts";

/** Removed: offboarded, and afterwards their data was deleted for good. */
export type OffboardingState = "present" | "offboarded" | "removed";

/** As of the last deployment, which wrote the ledger. */
export function offboardingState({ leftOn, removedOn }: LedgerEntry): OffboardingState {
  if (removedOn !== undefined) return "removed";
  return leftOn === undefined ? "present" : "offboarded";
}

/** The hosts that keep their data and refuse them: all of somebody offboarded, the former ones of somebody who moved. */
export function hostsWithoutAccess(entry: LedgerEntry): readonly HostName[] {
  const state = offboardingState(entry);
  if (state === "removed") return [];
  return state === "offboarded" ? entry.hosts : entry.hosts.slice(1);
}
