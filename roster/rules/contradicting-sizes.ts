/** Compares the sizes of one row with each other and with what its tier gives by default. */

import type { Policy } from "../model.ts";
import { quote } from "../text/quote.ts";
import { kubernetesBytes, systemdBytes } from "../schema/size-limits.ts";
import type { WrittenRow } from "../schema/row.ts";
import { type Finding, inRow } from "./finding.ts";

/** Nothing for a row whose shape is wrong: its sizes may be no sizes. */
export function sizeFindings(user: string, written: WrittenRow | undefined, policy: Policy): readonly Finding[] {
  return written === undefined ? [] : [...limitFindings(user, written, policy), ...quotaFindings(user, written)];
}

function limitFindings(user: string, { tier, limits }: WrittenRow, policy: Policy): readonly Finding[] {
  const pane = limits?.pane_memory;
  if (pane === undefined) return [];
  const whole = limits?.memory ?? policy.limits[tier].memory;
  if (systemdBytes(pane) <= systemdBytes(whole)) return [];
  const whose =
    limits?.memory === undefined ? `the memory of tier ${tier}, ${quote(whole)}` : `memory, ${quote(whole)}`;
  const message = `${quote(pane)} for one pane is more than ${whose}, which holds all panes; lower pane_memory or raise memory`;
  return [inRow(user, ["limits", "pane_memory"], message)];
}

function quotaFindings(user: string, { quota }: WrittenRow): readonly Finding[] {
  const { memory_requests: requests, memory_limits: limits } = quota ?? {};
  if (requests === undefined || limits === undefined || kubernetesBytes(requests) <= kubernetesBytes(limits)) return [];
  const message = `${quote(requests)} is more than memory_limits, ${quote(limits)}; no pod may ask for more than it may take`;
  return [inRow(user, ["quota", "memory_requests"], message)];
}
