/** Reads the snapshot of the cluster that the preflight checks look at. A partial answer is an error. */

import { z } from "zod";
import { KubernetesError } from "../../clients/kubernetes/client.ts";
import type { Read } from "./read-api.ts";

const meta = z.object({
  name: z.string(),
  uid: z.string().optional(),
  namespace: z.string().optional(),
  labels: z.record(z.string(), z.string()).optional(),
});
const rule = z.object({
  apiGroups: z.array(z.string()).optional(),
  resources: z.array(z.string()).optional(),
  verbs: z.array(z.string()),
});
const subject = z.object({ kind: z.string(), name: z.string(), namespace: z.string().optional() });
const expression = z.object({ key: z.string(), operator: z.string(), values: z.array(z.string()).optional() });
const condition = z.object({
  namespaces: z.array(z.string()).optional(),
  namespaceRegexes: z.array(z.string()).optional(),
  namespaceSelector: z
    .object({
      matchLabels: z.record(z.string(), z.string()).optional(),
      matchExpressions: z.array(expression).optional(),
    })
    .optional(),
});

const namespaces = z.array(z.object({ metadata: meta }));
const quotas = z.array(
  z.object({
    metadata: meta,
    spec: z.object({ hard: z.record(z.string(), z.string()).optional() }),
    status: z.object({ used: z.record(z.string(), z.string()).optional() }).optional(),
  }),
);
const bindings = z.array(
  z.object({
    metadata: meta,
    roleRef: z.object({ kind: z.string(), name: z.string() }),
    subjects: z.array(subject).optional(),
  }),
);
const stores = z.array(z.object({ metadata: meta, spec: z.object({ conditions: z.array(condition).optional() }) }));
const roles = z.array(z.object({ metadata: meta, rules: z.array(rule).nullish() }));
const pods = z.array(
  z.object({
    metadata: meta,
    spec: z.object({ containers: z.array(z.object({ command: z.array(z.string()).optional() })) }),
  }),
);

export type LiveNamespace = z.output<typeof namespaces>[number];
export type LiveQuota = z.output<typeof quotas>[number];
export type LiveBinding = z.output<typeof bindings>[number];
export type SecretStore = z.output<typeof stores>[number];
export type StoreCondition = z.output<typeof condition>;
export type LiveRole = z.output<typeof roles>[number];

export interface LiveApiServer {
  readonly name: string;
  /** Another one each time that its manifest changes. */
  readonly uid: string;
  readonly command: readonly string[];
}

export interface ClusterFacts {
  readonly namespaces: ReadonlyMap<string, LiveNamespace>;
  readonly quotas: readonly LiveQuota[];
  readonly bindings: readonly LiveBinding[];
  readonly stores: readonly SecretStore[];
  readonly roles: readonly LiveRole[];
  /** The API servers that run as pods: none where they run otherwise. */
  readonly apiServers: readonly LiveApiServer[];
}

/** @throws KubernetesError */
export async function readFacts(read: Read): Promise<ClusterFacts> {
  const rbac = "/apis/rbac.authorization.k8s.io/v1";
  const servers = "/api/v1/namespaces/kube-system/pods?labelSelector=component%3Dkube-apiserver";
  const [live, sizes, bound, shared, granted, running] = await Promise.all([
    list(read, "/api/v1/namespaces", namespaces),
    list(read, "/api/v1/resourcequotas", quotas),
    list(read, `${rbac}/rolebindings`, bindings),
    list(read, "/apis/external-secrets.io/v1/clustersecretstores", stores),
    list(read, `${rbac}/clusterroles`, roles),
    list(read, servers, pods),
  ]);
  return {
    namespaces: new Map(live.map((one) => [one.metadata.name, one])),
    quotas: sizes,
    bindings: bound,
    stores: shared,
    roles: granted,
    apiServers: running.map(({ metadata, spec }) => ({
      name: metadata.name,
      uid: metadata.uid ?? "",
      command: spec.containers.flatMap(({ command }) => command ?? []),
    })),
  };
}

const page = z.object({
  items: z.array(z.unknown()),
  metadata: z.object({ continue: z.string().optional() }).optional(),
});

/** A kind that the cluster does not know has no objects. */
async function list<T>(read: Read, path: string, items: z.ZodType<T[]>): Promise<T[]> {
  const answer = await read(path);
  if (answer === undefined) return [];
  const whole = page.safeParse(answer);
  const parsed = whole.success && !whole.data.metadata?.continue ? items.safeParse(whole.data.items) : undefined;
  if (parsed?.success !== true)
    throw new KubernetesError(`the cluster's answer to ${path} is not the whole list that it should be`);
  return parsed.data;
}
