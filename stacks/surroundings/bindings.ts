/** Rights in tenants' namespaces that this program did not give. */

import { MANAGED } from "../../components/cluster/labels.ts";
import type { ClusterFacts, LiveBinding } from "./facts.ts";
import type { Tenancy } from "./tenancy.ts";

/**
 * @returns a sentence for each: all of them where the owner left, and where the owner is here those that reach beyond the
 * namespace. Own ServiceAccounts of an owner who is here are the owner's business.
 */
export function foreignBindings(tenancies: readonly Tenancy[], { bindings }: ClusterFacts): readonly string[] {
  const held = new Map<string, Tenancy>(tenancies.map((tenancy) => [tenancy.namespace, tenancy]));
  return bindings.flatMap((binding) => {
    const tenancy = held.get(binding.metadata.namespace ?? "");
    if (tenancy === undefined || isOurs(binding)) return [];
    const who = (binding.subjects ?? [])
      .filter(({ kind, namespace }) => tenancy.hasLeft || kind !== "ServiceAccount" || namespace !== tenancy.namespace)
      .map(({ kind, name, namespace }) => `${kind} ${namespace === undefined ? name : `${namespace}/${name}`}`);
    if (who.length === 0) return [];
    const whose = tenancy.hasLeft ? `${tenancy.osUser}, whose it was,` : tenancy.osUser;
    return [
      `${tenancy.namespace}: ${whose} has given ${binding.roleRef.kind} ${binding.roleRef.name} to ${who.join(", ")} ` +
        `(RoleBinding ${binding.metadata.name}); this program leaves it as it is`,
    ];
  });
}

const isOurs = ({ metadata }: LiveBinding) =>
  Object.entries(MANAGED).every(([key, value]) => metadata.labels?.[key] === value);
