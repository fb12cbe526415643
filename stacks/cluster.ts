/** The cluster: every tenant's namespace, those of people who left included. */

import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { Tenant } from "../components/cluster/tenant.ts";
import type { Desired, Email, Holder, Quota } from "../roster/model.ts";

/** Declares what the roster's people get in the cluster that `kubeconfig` leads to. */
export function deployCluster(kubeconfig: string, desired: Desired): void {
  const provider = new k8s.Provider("cluster", { kubeconfig: pulumi.secret(kubeconfig) });
  for (const person of desired.people.values()) declareTenants(provider, person, person.quota, person.email);
  for (const person of desired.left.values()) declareTenants(provider, person, person.quota, undefined);
}

const declareTenants = (provider: k8s.Provider, owner: Holder, quota: Quota, admit: Email | undefined) => {
  for (const namespace of owner.namespaces) {
    new Tenant(
      `tenant-${namespace}`,
      { namespace, owner: owner.k8sUser, quota, ...(admit === undefined ? {} : { admit }) },
      { provider },
    );
  }
};
