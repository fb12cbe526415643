/** What a container gets that names nothing itself: the share of one pod, so that a full namespace meets its quota. */

import type { Quota } from "../../roster/model.ts";

export interface ContainerDefaults {
  readonly defaultRequest: { readonly cpu: string; readonly memory: string };
  readonly default: { readonly memory: string };
}

/** @returns LimitRange defaults: the quota divided by its number of pods, rounded down */
export function shareOfOne(quota: Quota): ContainerDefaults {
  const pods = Number(quota.pods);
  const share = (quantity: string, unit: number) => Math.floor(amount(quantity) / unit / pods);
  return {
    defaultRequest: {
      cpu: `${share(quota.cpu_requests, MILLI)}m`,
      memory: `${share(quota.memory_requests, MEBI)}Mi`,
    },
    default: { memory: `${share(quota.memory_limits, MEBI)}Mi` },
  };
}

const MILLI = 1e-3;
const MEBI = 2 ** 20;

const SUFFIXES: ReadonlyMap<string, number> = new Map([
  ["m", MILLI],
  ["", 1],
  ...["k", "M", "G", "T", "P", "E"].map((suffix, i) => [suffix, 1000 ** (i + 1)] as const),
  ...["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"].map((suffix, i) => [suffix, 1024 ** (i + 1)] as const),
]);

/** A Kubernetes quantity as a number of its base unit (cores, bytes). The roster has checked its form. */
function amount(quantity: string): number {
  const [, digits = "", suffix = ""] = /^([0-9.]+)([A-Za-z]*)$/.exec(quantity) ?? [];
  const factor = SUFFIXES.get(suffix);
  if (digits === "" || factor === undefined) throw new Error(`not a quantity: ${quantity}`);
  return Number(digits) * factor;
}
