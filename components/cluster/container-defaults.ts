/**
 * Computes the defaults of a container that names no resources: the share of one pod, so that a full namespace meets
 * its quota.
 */

import type { Quota } from "../../roster/model.ts";
import { amountOf, MEBI, MILLI } from "./quantity.ts";

export interface ContainerDefaults {
  readonly defaultRequest: { readonly cpu: string; readonly memory: string };
  readonly default: { readonly memory: string };
}

/** @returns LimitRange defaults: the quota divided by its number of pods, rounded down */
export function shareOfOne(quota: Quota): ContainerDefaults {
  const pods = Number(quota.pods);
  const share = (quantity: string, unit: number) => Math.floor(amountOf(quantity) / unit / pods);
  return {
    defaultRequest: {
      cpu: `${share(quota.cpu_requests, MILLI)}m`,
      memory: `${share(quota.memory_requests, MEBI)}Mi`,
    },
    default: { memory: `${share(quota.memory_limits, MEBI)}Mi` },
  };
}
