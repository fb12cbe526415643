/** Finds secret stores that every tenant could read through: External Secrets lets each `admin` use them. */

import { managedBy } from "../../components/cluster/labels.ts";
import type { ClusterFacts, LiveRole, SecretStore, StoreCondition } from "./cluster-snapshot.ts";
import type { Tenancy } from "./namespace-owners.ts";

export interface OpenStore {
  readonly store: string;
  readonly namespaces: readonly string[];
}

/** @returns the stores that a tenant's namespace may use, and which namespaces those are */
export function openStores(tenancies: readonly Tenancy[], { stores }: ClusterFacts): readonly OpenStore[] {
  return stores
    .map((store) => ({
      store: store.metadata.name,
      namespaces: tenancies.filter((tenancy) => isOpenTo(store, tenancy)).map(({ namespace }) => namespace as string),
    }))
    .filter(({ namespaces }) => namespaces.length > 0);
}

/** A store without conditions is everybody's. */
function isOpenTo({ spec }: SecretStore, tenancy: Tenancy): boolean {
  const conditions = spec.conditions ?? [];
  return conditions.length === 0 || conditions.some((condition) => matches(condition, tenancy));
}

function matches({ namespaces, namespaceRegexes, namespaceSelector }: StoreCondition, tenancy: Tenancy): boolean {
  if (namespaces?.includes(tenancy.namespace)) return true;
  if (namespaceRegexes?.some((pattern) => couldMatch(pattern, tenancy.namespace))) return true;
  if (namespaceSelector === undefined) return false;
  const labels: Readonly<Record<string, string | undefined>> = {
    ...managedBy(tenancy.owner),
    "kubernetes.io/metadata.name": tenancy.namespace,
  };
  const { matchLabels = {}, matchExpressions = [] } = namespaceSelector;
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values = [] }) => holds(operator, labels[key], values))
  );
}

/** A pattern that this program cannot read is taken to match. */
function couldMatch(pattern: string, namespace: string): boolean {
  try {
    return new RegExp(pattern).test(namespace);
  } catch (cause) {
    if (cause instanceof SyntaxError) return true;
    throw cause;
  }
}

/** An operator that this program does not know is taken to hold. */
function holds(operator: string, value: string | undefined, values: readonly string[]): boolean {
  if (operator === "In") return value !== undefined && values.includes(value);
  if (operator === "NotIn") return value === undefined || !values.includes(value);
  if (operator === "Exists") return value !== undefined;
  if (operator === "DoesNotExist") return value === undefined;
  return true;
}

/** @returns the ClusterRoles by which whoever is `admin` or `edit` in a namespace may write External Secrets' objects */
export const aggregatedWriters = ({ roles }: ClusterFacts): readonly string[] =>
  roles.filter((role) => isAggregated(role) && writesSecrets(role)).map(({ metadata }) => metadata.name);

const isAggregated = ({ metadata }: LiveRole) =>
  ["admin", "edit"].some((role) => metadata.labels?.[`rbac.authorization.k8s.io/aggregate-to-${role}`] === "true");

const writesSecrets = ({ rules }: LiveRole) =>
  (rules ?? []).some(
    ({ apiGroups = [], verbs }) =>
      apiGroups.some((group) => group === "external-secrets.io" || group === "*") &&
      verbs.some((verb) => ["create", "update", "patch", "*"].includes(verb)),
  );
