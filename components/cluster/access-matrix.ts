/**
 * Computes the access matrix from the roles: the table in docs/access-matrix.md, which the real API server must
 * confirm.
 */

import { CLUSTER_ROLES, DEPLOYER_RULES, NAV_ROLE, type Rule } from "./tier-rights.ts";
import { TIERS } from "../../roster/tiers.ts";

/** Where something is asked for: in a namespace of one's own, in another tenant's, in one of the system's, or nowhere. */
export type Scope = "own" | "other" | "system" | "cluster";

export interface Question {
  readonly verb: string;
  /** `""` for the core group. */
  readonly group: string;
  /** With its subresource: `pods/log`. */
  readonly resource: string;
  readonly scopes: readonly Scope[];
}

/** Somebody who can ask, by what they hold. */
export interface Holder {
  readonly name: string;
  /** What they may do everywhere, and cluster-wide. `everything` is the cluster's own `cluster-admin`. */
  readonly everywhere: readonly Rule[] | "everything";
  /** What they may do in their own namespaces besides. `admin` is the cluster's own role of that name. */
  readonly athome: readonly Rule[] | "admin" | "nothing";
}

const rulesOf = (role: string): readonly Rule[] => {
  const rules = CLUSTER_ROLES.get(role);
  if (rules === undefined) throw new Error(`no such role: ${role}`);
  return rules;
};

export const HOLDERS: readonly Holder[] = [
  { name: "admin", everywhere: "everything", athome: "nothing" },
  { name: "power-user", everywhere: rulesOf(TIERS["power-user"].clusterRole), athome: "nothing" },
  { name: "namespace-owner", everywhere: rulesOf(TIERS["namespace-owner"].clusterRole), athome: "admin" },
  { name: "an owner's dashboard", everywhere: rulesOf(NAV_ROLE), athome: "admin" },
  { name: "an owner's deployer", everywhere: [], athome: DEPLOYER_RULES },
  { name: "an offboarded user", everywhere: [], athome: "nothing" },
];

const IN_NAMESPACES = ["own", "other", "system"] as const;

const each = (group: string, verbs: string, resources: string, scopes: readonly Scope[] = IN_NAMESPACES): Question[] =>
  resources.split(" ").flatMap((resource) => verbs.split(" ").map((verb) => ({ verb, group, resource, scopes })));

/** Everything that the specification grants, and everything that is worth somebody else's rights. */
export const QUESTIONS: readonly Question[] = [
  ...each("", "get list", "pods services configmaps"),
  ...each("", "get", "pods/log"),
  ...each("", "list", "endpoints persistentvolumeclaims events"),
  ...each("apps", "list", "deployments statefulsets daemonsets replicasets"),
  ...each("batch", "list", "jobs cronjobs"),
  ...each("networking.k8s.io", "list", "ingresses networkpolicies"),
  ...each("autoscaling", "list", "horizontalpodautoscalers"),
  ...each("rbac.authorization.k8s.io", "list", "roles rolebindings"),
  ...each("", "get list watch", "secrets"),
  ...each("", "create", "pods/exec pods/attach pods/portforward"),
  ...each("", "get", "pods/proxy services/proxy"),
  ...each("", "update", "pods/ephemeralcontainers"),
  ...each("", "create", "pods services configmaps secrets serviceaccounts serviceaccounts/token"),
  ...each("", "delete", "pods configmaps"),
  ...each("", "update", "resourcequotas limitranges"),
  ...each("", "impersonate", "serviceaccounts"),
  ...each("apps", "create patch delete", "deployments"),
  ...each("networking.k8s.io", "create", "ingresses networkpolicies"),
  // Behind a Service of one's own they would lead the ingress to the injector or a host's proxy, past the sign-in.
  ...each("", "create", "endpoints"),
  ...each("discovery.k8s.io", "create", "endpointslices"),
  ...each("rbac.authorization.k8s.io", "create", "roles rolebindings"),
  ...each("rbac.authorization.k8s.io", "escalate bind", "roles"),
  ...each("", "get list", "namespaces nodes", ["cluster"]),
  ...each("", "create patch delete", "namespaces", ["cluster"]),
  ...each("", "get", "nodes/proxy", ["cluster"]),
  ...each("", "patch", "nodes", ["cluster"]),
  ...each("", "list", "persistentvolumes secrets pods", ["cluster"]),
  ...each("", "impersonate", "users groups", ["cluster"]),
  ...each("storage.k8s.io", "list", "storageclasses", ["cluster"]),
  ...each("rbac.authorization.k8s.io", "list create escalate bind", "clusterroles", ["cluster"]),
  ...each("rbac.authorization.k8s.io", "list create", "clusterrolebindings", ["cluster"]),
  ...each("apiextensions.k8s.io", "create", "customresourcedefinitions", ["cluster"]),
  ...each("admissionregistration.k8s.io", "patch", "validatingadmissionpolicies", ["cluster"]),
  ...each("certificates.k8s.io", "create", "certificatesigningrequests", ["cluster"]),
];

/** Whether this holder may, as the specification has it. */
export function may(holder: Holder, question: Question, scope: Scope): boolean {
  if (holder.everywhere === "everything") return true;
  if (holder.everywhere.some((rule) => covers(rule, question))) return true;
  if (scope !== "own" || holder.athome === "nothing") return false;
  return holder.athome === "admin"
    ? !REFUSED_TO_ADMIN_AT_HOME.has(keyOf(question))
    : holder.athome.some((rule) => covers(rule, question));
}

const covers = (rule: Rule, { group, resource, verb }: Question) =>
  rule.apiGroups.includes(group) && rule.resources.includes(resource) && rule.verbs.includes(verb);

export const keyOf = ({ verb, resource }: Question) => `${verb} ${resource}`;

/** Of the questions above, what the cluster's own role `admin` does not give even at home. */
const REFUSED_TO_ADMIN_AT_HOME: ReadonlySet<string> = new Set([
  "update pods/ephemeralcontainers",
  "update resourcequotas",
  "update limitranges",
  "create endpoints",
  "create endpointslices",
  "escalate roles",
  "bind roles",
]);

const SCOPE_HEADINGS: Readonly<Record<Scope, string>> = {
  own: "in a namespace of their own",
  other: "in another tenant's namespace",
  system: "in a system namespace",
  cluster: "cluster-wide",
};

/** The table for docs/, in markdown. */
export function accessMatrixText(): string {
  const sections = (Object.keys(SCOPE_HEADINGS) as Scope[]).map((scope) => {
    const questions = QUESTIONS.filter(({ scopes }) => scopes.includes(scope));
    const rows = questions.map((question) => {
      const cells = HOLDERS.map((holder) => (may(holder, question, scope) ? "yes" : "–"));
      const resource = question.group === "" ? question.resource : `${question.resource}.${question.group}`;
      return `| ${question.verb} \`${resource}\` | ${cells.join(" | ")} |`;
    });
    const head = `| | ${HOLDERS.map(({ name }) => name).join(" | ")} |\n|---|${HOLDERS.map(() => "---|").join("")}`;
    return `## ${SCOPE_HEADINGS[scope]}\n\n${head}\n${rows.join("\n")}\n`;
  });
  return `${INTRODUCTION}\n${sections.join("\n")}`;
}

const INTRODUCTION = `# Who can do what in the cluster

Generated from \`components/cluster/tier-rights.ts\` and \`access-matrix.ts\`: change those, not this page, and run
\`npx vitest run --project unit test/components/cluster/access-matrix.test.ts --update\`. The end-to-end tests ask the lab's
real API server every line of it.

Admins and power-users own no namespace: for them "a namespace of their own" is any.
"An offboarded user" holds no right of ours; what they gave to ServiceAccounts of their own stays in the kept namespace.
`;
