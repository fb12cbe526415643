/** Finds quotas that would become smaller than the usage: the pods would stay, and none could be started again. */

import { amountOf } from "../../components/cluster/quantity.ts";
import type { Quota } from "../../roster/model.ts";
import type { ClusterFacts } from "./cluster-snapshot.ts";
import type { Tenancy } from "./namespace-owners.ts";

/** The roster's words for what the API calls otherwise. */
const NAMES: Readonly<Record<keyof Quota, string>> = {
  cpu_requests: "requests.cpu",
  memory_requests: "requests.memory",
  memory_limits: "limits.memory",
  pods: "pods",
};

/** @returns a sentence for each quota that is lowered below what is used now */
export function tooSmallQuotas(tenancies: readonly Tenancy[], { quotas }: ClusterFacts): readonly string[] {
  return tenancies.flatMap(({ namespace, osUser, quota }) => {
    const live = quotas.find(({ metadata }) => metadata.name === "quota" && metadata.namespace === namespace);
    return (Object.keys(NAMES) as (keyof Quota)[]).flatMap((key) => {
      const [hard, used] = [live?.spec.hard?.[NAMES[key]], live?.status?.used?.[NAMES[key]]];
      if (hard === undefined || used === undefined) return [];
      const isLowered = amountOf(quota[key]) < amountOf(hard);
      if (!isLowered || amountOf(quota[key]) >= amountOf(used)) return [];
      return [
        `${osUser}: quota: ${key} of ${namespace} would become ${quota[key]}, and ${used} are in use: what runs could ` +
          `not be started again. Leave it at ${used} or more, or have ${osUser} scale down first`,
      ];
    });
  });
}

/** @returns a sentence for each person with several namespaces: what they may use together */
export function quotaSums(tenancies: readonly Tenancy[]): readonly string[] {
  const present = tenancies.filter(({ hasLeft }) => !hasLeft);
  const people = [...new Set(present.map(({ osUser }) => osUser))];
  return people.flatMap((osUser) => {
    const heldTenancies = present.filter((tenancy) => tenancy.osUser === osUser);
    if (heldTenancies.length < 2) return [];
    const sum = (key: keyof Quota, unit: number) =>
      Math.round((heldTenancies.reduce((total, { quota }) => total + amountOf(quota[key]), 0) / unit) * 1000) / 1000;
    return [
      `${osUser}: ${heldTenancies.length} namespaces with together ${sum("cpu_requests", 1)} CPU and ` +
        `${sum("memory_requests", GIBI)}Gi requested, ${sum("memory_limits", GIBI)}Gi limit, ${sum("pods", 1)} pods`,
    ];
  });
}

const GIBI = 2 ** 30;
