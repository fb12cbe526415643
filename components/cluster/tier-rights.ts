/**
 * Defines the rights of each tier in the cluster, as data. The roles and the access matrix in docs/ are made from it.
 */

import { TIERS } from "../../roster/tiers.ts";

/** One rule of a Role or ClusterRole, in the API's own words. */
export interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

/** What an owner, and their dashboard, is in each of their own namespaces: the role that the cluster brings along. */
export const OWNER_ROLE = "admin";
/** What the dashboard needs so that its menus work, and nothing of any tenant's. */
export const NAV_ROLE = "dashboard-nav-readonly";
/** What a person's own pipelines are in each of the person's namespaces; the prefix keeps it apart from roles of the site's own. */
export const DEPLOYER_ROLE = "workstation-tenant-deployer";

const READ = ["get", "list", "watch"] as const;
const WRITE = ["create", "update", "patch", "delete"] as const;

const read = (apiGroup: string, ...resources: string[]): Rule => ({
  apiGroups: [apiGroup],
  resources,
  verbs: READ,
});

/**
 * What the specification's table lists, for everybody who reads cluster-wide. No Secret, nothing that runs or reaches
 * into a container, no `nodes/proxy` and no `services/proxy`: each of those is worth somebody else's rights.
 */
const POWER_USER: readonly Rule[] = [
  read(
    "",
    "pods",
    "pods/log",
    "services",
    "endpoints",
    "configmaps",
    "persistentvolumeclaims",
    "events",
    "namespaces",
    "nodes",
  ),
  read("apps", "deployments", "statefulsets", "daemonsets", "replicasets"),
  read("batch", "jobs", "cronjobs"),
  read("networking.k8s.io", "ingresses", "networkpolicies"),
  read("autoscaling", "horizontalpodautoscalers"),
  read("storage.k8s.io", "storageclasses"),
  read("rbac.authorization.k8s.io", "roles", "rolebindings", "clusterroles", "clusterrolebindings"),
];

/** Cluster-wide, an owner sees what is nobody's: which namespaces, nodes and storage classes there are. */
const NAMESPACE_OWNER: readonly Rule[] = [read("", "namespaces", "nodes"), read("storage.k8s.io", "storageclasses")];

const NAV: readonly Rule[] = [read("", "namespaces", "nodes")];

/** Every ClusterRole of this program that is bound cluster-wide. */
export const CLUSTER_ROLES: ReadonlyMap<string, readonly Rule[]> = new Map([
  [TIERS["power-user"].clusterRole, POWER_USER],
  [TIERS["namespace-owner"].clusterRole, NAMESPACE_OWNER],
  [NAV_ROLE, NAV],
]);

/**
 * What {@link DEPLOYER_ROLE} gives. No Secrets, no ServiceAccounts and no rbac objects: a pipeline rolls out what is there, and its secrets come from
 * Vault. (Whoever may create pods can mount any Secret of that namespace, so this is order, not a wall.)
 */
export const DEPLOYER_RULES: readonly Rule[] = [
  {
    apiGroups: [""],
    resources: ["services", "configmaps", "persistentvolumeclaims"],
    verbs: [...READ, ...WRITE],
  },
  { apiGroups: ["apps"], resources: ["deployments", "statefulsets", "daemonsets"], verbs: [...READ, ...WRITE] },
  { apiGroups: ["batch"], resources: ["jobs", "cronjobs"], verbs: [...READ, ...WRITE] },
  {
    apiGroups: ["networking.k8s.io"],
    resources: ["ingresses", "networkpolicies"],
    verbs: [...READ, ...WRITE],
  },
  { apiGroups: ["autoscaling"], resources: ["horizontalpodautoscalers"], verbs: [...READ, ...WRITE] },
  read("", "pods", "pods/log", "events"),
  read("apps", "replicasets"),
];

/** The rules as the resource's arguments want them, which are lists that may be changed. */
export const apiRules = (rules: readonly Rule[]) =>
  rules.map(({ apiGroups, resources, verbs }) => ({
    apiGroups: [...apiGroups],
    resources: [...resources],
    verbs: [...verbs],
  }));
