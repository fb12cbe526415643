/** Reads what a host answers to `workstation reconcile --check --json`. */

import { type HostCheck, hostCheck } from "../agent/shared/host-check.ts";

export type { HostCheck } from "../agent/shared/host-check.ts";

/** @returns undefined for an answer of another form, such as an older agent's */
export function readHostCheck(stdout: string): HostCheck | undefined {
  try {
    return hostCheck.safeParse(JSON.parse(stdout)).data;
  } catch (cause) {
    if (cause instanceof SyntaxError) return undefined;
    throw cause;
  }
}
