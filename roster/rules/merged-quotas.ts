/** Compares the figures of each person's quota once the user map and the stack have supplied those that a row leaves out. */

import { problemInRoster } from "../load.ts";
import type { Policy, Problem, Quota, Roster, Row } from "../model.ts";
import { kubernetesBytes, processors } from "../schema/size-limits.ts";
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

/** The rows of owners of namespaces whose quota asks for more memory than it allows, or has too many pods for it. */
export function contradictingQuotas(
  roster: Roster,
  policy: Policy,
  { source, quotaOf }: SuppliedQuotas,
): readonly Problem[] {
  return [...roster.rows.values()].flatMap((row) => {
    const supplied = TIERS[row.tier].ownsNamespaces ? quotaOf(row) : undefined;
    if (supplied === undefined) return [];
    const figure = (name: keyof Quota): Figure => ({
      value: row.quota[name] ?? supplied[name] ?? policy.quota[name],
      from: supplied[name] === undefined ? "the stack's settings" : source,
    });
    const requests = figure("memory_requests");
    const limits = figure("memory_limits");
    if (kubernetesBytes(requests.value) > kubernetesBytes(limits.value))
      return [problemInRoster(roster, inRow(row.osUser, ...sentence(row, requests, limits)))];
    const small = SHARES.find(({ name, least, amount }) => {
      const share = amount(figure(name).value) / Number(figure("pods").value);
      return share < amount(least);
    });
    if (small === undefined) return [];
    const [pods, whole] = [figure("pods"), figure(small.name)];
    const path = row.quota.pods === undefined && row.quota[small.name] !== undefined ? small.name : "pods";
    const at = row.quota[path] === undefined ? ["k8s_user"] : ["quota", path];
    const message = `${pods.value} pods share ${small.name}, ${quote(whole.value)}, and a pod without figures of its own gets the share of one; that is less than ${small.least}, ${small.because}, so lower pods or raise ${small.name}`;
    return [problemInRoster(roster, inRow(row.osUser, at, message))];
  });
}

/** The least that one pod's share may be. */
const SHARES = [
  { name: "cpu_requests", least: "1m", amount: processors, because: "Kubernetes' smallest unit" },
  { name: "memory_requests", least: "1Mi", amount: kubernetesBytes, because: "in which the share is given" },
  { name: "memory_limits", least: "6Mi", amount: kubernetesBytes, because: "below which no container starts" },
] as const;

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
