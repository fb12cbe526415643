/**
 * Declares one tenant namespace with its quota, its default limits and the NetworkPolicy that separates it from other
 * tenants. All of it stays when the owner is offboarded.
 */

import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import type { K8sUser, Namespace, Quota } from "../../roster/model.ts";
import { managedBy, OWNER_LABEL } from "./labels.ts";
import { objectCounts } from "./object-counts.ts";
import { shareOfOne } from "./container-defaults.ts";

export interface TenantNamespaceArgs {
  readonly namespace: Namespace;
  readonly owner: K8sUser;
  readonly quota: Quota;
}

/** @returns the namespace, for what else goes into it to wait for */
export function declareTenantNamespace(
  name: string,
  args: TenantNamespaceArgs,
  opts: pulumi.CustomResourceOptions,
): k8s.core.v1.Namespace {
  const namespace = new k8s.core.v1.Namespace(
    name,
    {
      metadata: {
        name: args.namespace,
        labels: {
          ...managedBy(args.owner),
          "pod-security.kubernetes.io/enforce": "baseline",
          "pod-security.kubernetes.io/warn": "restricted",
        },
      },
    },
    // Only by hand, for somebody who was removed for good, does a room leave the program; what is in it stays even then.
    { ...opts, protect: true, retainOnDelete: true },
  );
  const within = { ...opts, dependsOn: [namespace], retainOnDelete: true };
  limitRoom(name, args, within);
  wallRoom(name, args, within);
  return namespace;
}

/** A quota on requests and limits refuses every pod that names none, so the LimitRange fills them in. */
function limitRoom(name: string, { namespace, owner, quota }: TenantNamespaceArgs, opts: pulumi.CustomResourceOptions) {
  const labels = managedBy(owner);
  new k8s.core.v1.ResourceQuota(
    `${name}-quota`,
    {
      metadata: { name: "quota", namespace, labels },
      spec: {
        hard: {
          "requests.cpu": quota.cpu_requests,
          "requests.memory": quota.memory_requests,
          "limits.memory": quota.memory_limits,
          pods: quota.pods,
          ...objectCounts(quota),
        },
      },
    },
    opts,
  );
  new k8s.core.v1.LimitRange(
    `${name}-defaults`,
    {
      metadata: { name: "defaults", namespace, labels },
      spec: { limits: [{ type: "Container", ...shareOfOne(quota) }] },
    },
    opts,
  );
}

/**
 * Lets in the owner's own namespaces and those that are no tenant's (the ingress controller, monitoring), and nobody
 * else. An owner cannot change a namespace's labels, so nobody can pass for a neighbour.
 */
function wallRoom(name: string, { namespace, owner }: TenantNamespaceArgs, opts: pulumi.CustomResourceOptions) {
  new k8s.networking.v1.NetworkPolicy(
    `${name}-wall`,
    {
      metadata: { name: "deny-other-tenants", namespace, labels: managedBy(owner) },
      spec: {
        podSelector: {},
        policyTypes: ["Ingress"],
        ingress: [
          {
            from: [
              { namespaceSelector: { matchLabels: { [OWNER_LABEL]: owner } } },
              { namespaceSelector: { matchExpressions: [{ key: OWNER_LABEL, operator: "DoesNotExist" }] } },
            ],
          },
        ],
      },
    },
    opts,
  );
}
