/** One namespace of one namespace-owner: the room, and who may do what in it. */

import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { Email, K8sUser, Namespace, Quota } from "../../roster/model.ts";
import { dashboardAccount } from "../../roster/names.ts";
import { managedBy } from "./labels.ts";
import { DEPLOYER_ACCOUNT } from "./names.ts";
import { apiRules, DEPLOYER_ROLE, DEPLOYER_RULES, OWNER_ROLE } from "./rights.ts";
import { createRoom } from "./room.ts";
import { clusterRole, role, serviceAccount, user } from "./subjects.ts";
import { accountWithToken } from "./token.ts";

export interface TenantArgs {
  /** Plain: it decides which resources exist. */
  readonly namespace: Namespace;
  readonly owner: K8sUser;
  /** Who may work here. Absent for somebody who left or whose e-mail is not known yet: the room stays, without them. */
  readonly admit?: Email;
  readonly quota: Quota;
  /**
   * The owner's namespace whose dashboard account the token injector speaks as. One person has one token there, so that
   * account is admitted to all of their namespaces.
   */
  readonly home: Namespace;
}

/** A tenant's namespace. It is kept when its owner leaves, and only the destructive command ends its protection. */
export class Tenant extends pulumi.ComponentResource {
  /** Token of this namespace's dashboard account; absent while nobody is admitted. */
  readonly dashboardToken: pulumi.Output<string> | undefined;
  /** The last of what is declared here. */
  readonly settled: pulumi.Resource;

  constructor(name: string, args: TenantArgs, opts?: pulumi.ComponentResourceOptions) {
    super("workstation:cluster:Tenant", name, {}, opts);
    const room = createRoom(this, name, args);
    const within = { parent: this, dependsOn: [room] };
    const admitted = args.admit === undefined ? undefined : admit(name, args, args.admit, within);
    this.dashboardToken = admitted?.token;
    this.settled = admitted?.settled ?? room;
    this.registerOutputs();
  }
}

/** Everything that goes when the owner goes; the dashboard's token, and what is declared last. */
function admit(name: string, args: TenantArgs, email: Email, opts: pulumi.CustomResourceOptions) {
  const { namespace, owner, home } = args;
  const labels = managedBy(owner);
  new k8s.rbac.v1.RoleBinding(
    `${name}-owner`,
    { metadata: { name: "owner", namespace, labels }, roleRef: clusterRole(OWNER_ROLE), subjects: [user(email)] },
    opts,
  );
  admitDeployer(name, args, opts);
  const dashboard = dashboardAccount(owner);
  const { token } = accountWithToken(`${name}-dashboard`, { name: dashboard, namespace, labels }, opts);
  const settled = new k8s.rbac.v1.RoleBinding(
    `${name}-dashboard`,
    {
      metadata: { name: "dashboard", namespace, labels },
      roleRef: clusterRole(OWNER_ROLE),
      subjects: [...new Set([namespace, home])].map((from) => serviceAccount(from, dashboard)),
    },
    opts,
  );
  return { token, settled };
}

/** Whoever deploys for the owner without being the owner: Vault hands out its token to the person's pipelines. */
function admitDeployer(name: string, { namespace, owner }: TenantArgs, opts: pulumi.CustomResourceOptions) {
  const labels = managedBy(owner);
  new k8s.core.v1.ServiceAccount(
    `${name}-deployer`,
    { metadata: { name: DEPLOYER_ACCOUNT, namespace, labels }, automountServiceAccountToken: false },
    opts,
  );
  const rules = new k8s.rbac.v1.Role(
    `${name}-deployer`,
    {
      metadata: { name: DEPLOYER_ROLE, namespace, labels },
      rules: apiRules(DEPLOYER_RULES),
    },
    opts,
  );
  new k8s.rbac.v1.RoleBinding(
    `${name}-deployer`,
    {
      metadata: { name: DEPLOYER_ROLE, namespace, labels },
      roleRef: role(DEPLOYER_ROLE),
      subjects: [serviceAccount(namespace, DEPLOYER_ACCOUNT)],
    },
    { ...opts, dependsOn: [rules] },
  );
}
