/** Computes how many objects of each kind a tenant may keep, so that nobody fills the cluster's store for everybody. */

import type { Quota } from "../../roster/model.ts";

/**
 * @returns hard limits of a ResourceQuota. Node ports and load balancers are none at all: they would pass by the
 * ingress, its sign-in and the network policies. What pods make (jobs, replica sets) grows with the pods' own quota.
 */
export function objectCounts({ pods }: Quota): Readonly<Record<string, string>> {
  const perPod = (times: number) => `${Number(pods) * times}`;
  return {
    "services.loadbalancers": "0",
    "services.nodeports": "0",
    "count/services": "50",
    "count/configmaps": "200",
    "count/secrets": "200",
    "count/serviceaccounts": "50",
    "count/persistentvolumeclaims": "20",
    "count/roles.rbac.authorization.k8s.io": "50",
    "count/rolebindings.rbac.authorization.k8s.io": "50",
    "count/ingresses.networking.k8s.io": "20",
    "count/networkpolicies.networking.k8s.io": "50",
    "count/leases.coordination.k8s.io": "50",
    "count/cronjobs.batch": "50",
    "count/jobs.batch": perPod(10),
    "count/deployments.apps": perPod(2),
    "count/statefulsets.apps": perPod(2),
    "count/replicasets.apps": perPod(20),
  };
}
