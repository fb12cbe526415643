/** Finds rights in tenants' namespaces that this program did not give. */

import { bearsOurLabels } from "../../components/cluster/labels.ts";
import { FORMER_BINDINGS, OWN_BINDINGS } from "../../components/cluster/names.ts";
import { DEPLOYER_ROLE } from "../../components/cluster/tier-rights.ts";
import { isNobody } from "../../roster/object-names.ts";
import type { ClusterFacts, LiveBinding } from "./cluster-snapshot.ts";
import type { Tenancy } from "./namespace-owners.ts";

/**
 * @param run `isSuspended`: the stack suspends what those who left had given; `formerBindings`: namespaces in which the run
 * empties bindings of an earlier version
 * @returns a sentence for each: all of them where the owner left, and where the owner is here those that reach beyond the
 * namespace. Own ServiceAccounts of an owner who is here are the owner's business.
 */
export function foreignBindings(
  tenancies: readonly Tenancy[],
  { bindings }: ClusterFacts,
  { isSuspended, formerBindings }: { readonly isSuspended: boolean; readonly formerBindings: ReadonlySet<string> },
): readonly string[] {
  const heldTenancies = new Map<string, Tenancy>(tenancies.map((tenancy) => [tenancy.namespace, tenancy]));
  return bindings.flatMap((binding) => {
    const tenancy = heldTenancies.get(binding.metadata.namespace ?? "");
    if (tenancy === undefined || isOurs(binding, formerBindings)) return [];
    const who = (binding.subjects ?? [])
      .filter((subject) => !isNobody(subject))
      .filter(({ kind, namespace }) => tenancy.hasLeft || kind !== "ServiceAccount" || namespace !== tenancy.namespace)
      .map(({ kind, name, namespace }) => `${kind} ${namespace === undefined ? name : `${namespace}/${name}`}`);
    if (who.length === 0) return [];
    const whose = tenancy.hasLeft ? `${tenancy.osUser}, whose it was,` : tenancy.osUser;
    return [
      `${tenancy.namespace}: ${whose} has given ${binding.roleRef.kind} ${binding.roleRef.name} to ${who.join(", ")} ` +
        `(RoleBinding ${binding.metadata.name}); ${tenancy.hasLeft && isSuspended ? "it is suspended until they are back" : "this program leaves it as it is"}`,
    ];
  });
}

/** By name too: whoever is admin of a namespace can give anything our label. */
const isOurs = ({ metadata }: LiveBinding, formerBindings: ReadonlySet<string>) =>
  (OWN_BINDINGS.includes(metadata.name) ||
    (formerBindings.has(metadata.namespace ?? "") && FORMER_BINDINGS.includes(metadata.name))) &&
  bearsOurLabels(metadata.labels);

const COUNT = "count/rolebindings.rbac.authorization.k8s.io";

/**
 * What keeps a run from making the binding that takes the place of an earlier version's: every host would wait for it.
 * @returns a sentence for each, with the command that shows or removes it
 */
export function obstaclesOfTakeover(
  { bindings, quotas }: ClusterFacts,
  formerBindings: ReadonlySet<string>,
): readonly string[] {
  return [...formerBindings].flatMap((namespace) => {
    const found = bindings.find(({ metadata }) => metadata.namespace === namespace && metadata.name === DEPLOYER_ROLE);
    if (found !== undefined && isOurs(found, formerBindings)) return [];
    if (found !== undefined)
      return [
        `${namespace}: somebody has made a RoleBinding ${DEPLOYER_ROLE}, which this version makes itself; look at it, and run ` +
          `kubectl delete rolebinding ${DEPLOYER_ROLE} --namespace ${namespace}`,
      ];
    return quotas
      .filter(({ metadata, spec: { hard = {} }, status: { used = {} } = {} }) => {
        return metadata.namespace === namespace && Number(used[COUNT] ?? 0) >= Number(hard[COUNT] ?? Infinity);
      })
      .map(
        ({ metadata }) =>
          `${namespace}: its ResourceQuota ${metadata.name} has no RoleBinding left for ${DEPLOYER_ROLE}, which this version makes; ` +
          `have the owner delete one that is not needed: kubectl get rolebindings --namespace ${namespace}`,
      );
  });
}
