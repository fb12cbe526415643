/** Declares the cluster-wide rights of every tier: the roles, and one binding a tier however many people are in it. */

import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { Email, K8sUser, Namespace, Tier } from "../../roster/model.ts";
import { dashboardAccount } from "../../roster/object-names.ts";
import { TIER_NAMES, TIERS } from "../../roster/tiers.ts";
import { MANAGED } from "./labels.ts";
import { apiRules, CLUSTER_ROLES, DEPLOYER_ROLE, DEPLOYER_RULES, NAV_ROLE, type Rule } from "./tier-rights.ts";
import { clusterRole, orNobody, serviceAccount, user } from "./subjects.ts";

export interface TierRightsArgs {
  /** Everybody who may come in today, by tier. Plain, so that a preview shows who gains and who loses. */
  readonly members: Readonly<Record<Tier, readonly Email[]>>;
  /** The ServiceAccounts of people's dashboards. */
  readonly dashboards: readonly { readonly namespace: Namespace; readonly owner: K8sUser }[];
}

/** The bindings stay when nobody is in a tier, with nobody in them: who joins then changes a list and makes nothing. */
export class TierRights extends pulumi.ComponentResource {
  /** The ClusterRole of owners' pipelines, which is bound in each tenant namespace and not cluster-wide. */
  readonly deployerRole: pulumi.Resource;

  constructor(name: string, args: TierRightsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("workstation:cluster:TierRights", name, {}, opts);
    const roles = [...CLUSTER_ROLES].map(([role, rules]) => createRole(this, name, role, rules));
    for (const tier of TIER_NAMES) bindTier(this, name, roles, tier, args.members[tier]);
    bindDashboards(this, name, roles, args.dashboards);
    this.deployerRole = createRole(this, name, DEPLOYER_ROLE, DEPLOYER_RULES);
    this.registerOutputs();
  }
}

const createRole = (parent: TierRights, name: string, role: string, rules: readonly Rule[]): pulumi.Resource =>
  new k8s.rbac.v1.ClusterRole(
    `${name}-${role}`,
    { metadata: { name: role, labels: MANAGED }, rules: apiRules(rules) },
    { parent },
  );

const bindTier = (parent: TierRights, name: string, roles: pulumi.Resource[], tier: Tier, members: readonly Email[]) =>
  new k8s.rbac.v1.ClusterRoleBinding(
    `${name}-${tier}`,
    {
      metadata: { name: `oidc-${tier}`, labels: MANAGED },
      roleRef: clusterRole(TIERS[tier].clusterRole),
      subjects: orNobody([...members].sort().map(user)),
    },
    { parent, dependsOn: roles },
  );

const bindDashboards = (
  parent: TierRights,
  name: string,
  roles: pulumi.Resource[],
  dashboards: TierRightsArgs["dashboards"],
) =>
  new k8s.rbac.v1.ClusterRoleBinding(
    `${name}-dashboards`,
    {
      metadata: { name: NAV_ROLE, labels: MANAGED },
      roleRef: clusterRole(NAV_ROLE),
      subjects: orNobody(dashboards.map(({ namespace, owner }) => serviceAccount(namespace, dashboardAccount(owner)))),
    },
    { parent, dependsOn: roles },
  );
