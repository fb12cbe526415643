/** Finds namespaces that exist already and are not this program's to hand out. */

import type { Namespace } from "../../roster/model.ts";
import { MANAGED, OWNER_LABEL } from "../../components/cluster/labels.ts";
import type { ClusterFacts } from "./cluster-snapshot.ts";
import type { Tenancy } from "./namespace-owners.ts";

/**
 * @param handedOver named for adoption: those that nobody owns yet may be taken
 * @returns a sentence for each namespace that the roster hands out and that is not ours to hand out
 */
export function foreignNamespaces(
  tenancies: readonly Tenancy[],
  { namespaces }: ClusterFacts,
  handedOver: ReadonlySet<string> = new Set(),
): readonly string[] {
  return tenancies.flatMap(({ namespace, owner, formerOwner, osUser }) => {
    const labels = namespaces.get(namespace)?.metadata.labels;
    if (!namespaces.has(namespace) || labels?.[OWNER_LABEL] === owner) return [];
    // A renamed owner's: this run writes the new name.
    if (formerOwner !== undefined && labels?.[OWNER_LABEL] === formerOwner) return [];
    if (handedOver.has(namespace) && labels?.[OWNER_LABEL] === undefined) return [];
    const found =
      labels?.[OWNER_LABEL] === undefined ? "is nobody's that this program knows" : `belongs to ${labels[OWNER_LABEL]}`;
    return [
      `${osUser}: the namespace ${namespace} exists already and ${found}. Choose another name; or, to hand it to ` +
        `${owner} with everything in it: kubectl label --overwrite namespace ${namespace} ${labelText(owner)} and then ` +
        `name ${namespace} in workstation:adopt (docs/adoption.md)`,
    ];
  });
}

/** @returns whether this program has made the namespace before */
export const isMade = (namespace: Namespace, { namespaces }: ClusterFacts): boolean => namespaces.has(namespace);

const labelText = (owner: string) =>
  Object.entries({ ...MANAGED, [OWNER_LABEL]: owner })
    .map(([key, value]) => `${key}=${value}`)
    .join(" ");
