/** One namespace of one namespace-owner: the room, its size, and the owner's right in it. */

import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { Email, K8sUser, Namespace, Quota } from "../../roster/model.ts";
import { managedBy } from "./labels.ts";
import { shareOfOne } from "./share-of-one.ts";

export interface TenantArgs {
  /** Plain: it decides which resources exist. */
  readonly namespace: Namespace;
  readonly owner: K8sUser;
  /** Who may work here. Absent for somebody who left or whose e-mail is not known yet: the room stays, without them. */
  readonly admit?: Email;
  readonly quota: Quota;
}

/** A tenant's namespace. It is kept when its owner leaves, and only the destructive command ends its protection. */
export class Tenant extends pulumi.ComponentResource {
  constructor(name: string, args: TenantArgs, opts?: pulumi.ComponentResourceOptions) {
    super("workstation:cluster:Tenant", name, {}, opts);
    const room = createRoom(this, name, args);
    limitRoom(this, name, room, args);
    if (args.admit !== undefined) admitOwner(this, name, room, args.namespace, args.admit);
    this.registerOutputs();
  }
}

const createRoom = (parent: Tenant, name: string, args: TenantArgs) =>
  new k8s.core.v1.Namespace(
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
    { parent, protect: true },
  );

/** A quota on requests and limits refuses every pod that names none, so the LimitRange fills them in. */
const limitRoom = (
  parent: Tenant,
  name: string,
  room: k8s.core.v1.Namespace,
  { namespace, owner, quota }: TenantArgs,
) => {
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
        },
      },
    },
    { parent, dependsOn: [room] },
  );
  new k8s.core.v1.LimitRange(
    `${name}-defaults`,
    {
      metadata: { name: "defaults", namespace, labels },
      spec: { limits: [{ type: "Container", ...shareOfOne(quota) }] },
    },
    { parent, dependsOn: [room] },
  );
};

const admitOwner = (parent: Tenant, name: string, room: k8s.core.v1.Namespace, namespace: Namespace, email: Email) =>
  new k8s.rbac.v1.RoleBinding(
    `${name}-owner`,
    {
      metadata: { name: "owner", namespace },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "admin" },
      subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: email }],
    },
    { parent, dependsOn: [room] },
  );
