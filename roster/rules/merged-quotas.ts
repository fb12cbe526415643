/** Compares the figures of each person's quota once the user map and the stack have supplied those that a row leaves out. */

import { problemInRoster } from "../load.ts";
import type { Policy, Problem, Quota, Roster, Row } from "../model.ts";
import { kubernetesBytes } from "../schema/size-limits.ts";
import { quote } from "../text/quote.ts";
import { TIERS } from "../tiers.ts";
import { inRow } from "./finding.ts";

/** What comes between a row's own figures and the stack's. */
export interface SuppliedQuotas {
  /** Names the source in a sentence. */
  readonly source: string;
  /** The figures that it has for a row; nothing for a row that is not to be judged. */
  readonly quotaOf: (row: Row) => Partial<Quota> | undefined;
}

/** The rows of owners of namespaces whose quota asks for more memory than it allows. */
export function contradictingQuotas(
  roster: Roster,
  policy: Policy,
  { source, quotaOf }: SuppliedQuotas,
): readonly Problem[] {
  return [...roster.rows.values()].flatMap((row) => {
    const supplied = TIERS[row.tier].ownsNamespaces ? quotaOf(row) : undefined;
    if (supplied === undefined) return [];
    const figure = (name: "memory_requests" | "memory_limits") => ({
      value: row.quota[name] ?? supplied[name] ?? policy.quota[name],
      from: supplied[name] === undefined ? "the stack's settings" : source,
    });
    const requests = figure("memory_requests");
    const limits = figure("memory_limits");
    if (kubernetesBytes(requests.value) <= kubernetesBytes(limits.value)) return [];
    return [problemInRoster(roster, inRow(row.osUser, ...sentence(row, requests, limits)))];
  });
}

interface Figure {
  readonly value: string;
  readonly from: string;
}

const RULE = "no pod may ask for more than it may take";

function sentence({ quota }: Row, requests: Figure, limits: Figure): [path: readonly string[], message: string] {
  if (quota.memory_requests !== undefined)
    return [
      ["quota", "memory_requests"],
      `${quote(requests.value)} is more than memory_limits, ${quote(limits.value)} from ${limits.from}; ${RULE}, so lower it or write memory_limits as well`,
    ];
  if (quota.memory_limits !== undefined)
    return [
      ["quota", "memory_limits"],
      `${quote(limits.value)} is less than memory_requests, ${quote(requests.value)} from ${requests.from}; ${RULE}, so raise it or write memory_requests as well`,
    ];
  return [
    ["k8s_user"],
    `memory_requests, ${quote(requests.value)} from ${requests.from}, is more than memory_limits, ${quote(limits.value)} from ${limits.from}; ${RULE}, so write both below quota:`,
  ];
}
