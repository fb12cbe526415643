/** The cluster's word on somebody who left: what the API server lets their e-mail do, what of theirs is there, what they planted. */

import { z } from "zod";
import { dashboardAccount } from "../../roster/names.ts";
import type { K8sUser } from "../../roster/model.ts";
import { type KubeCall, Unread } from "../../stacks/kube-api.ts";
import type { StackSettings } from "../../stacks/settings/index.ts";
import { inLanes } from "../board/lanes.ts";
import { cut, type Finding, hand, type Leaver, residual, unknown } from "./model.ts";
import { type Bound, plantedBy } from "./planted.ts";

type Cluster = NonNullable<StackSettings["cluster"]>;

/** What is read once, whoever is asked about. */
export interface ClusterSeen {
  readonly bindings: readonly Bound[];
  /** Secrets with a ServiceAccount's lasting token. */
  readonly tokens: readonly { readonly namespace: string; readonly name: string; readonly account: string }[];
  /** Whom the injector knows; undefined where the stack has none. */
  readonly injected: ReadonlySet<string> | undefined;
  /** Whom the portal knows; undefined where the stack has none. */
  readonly portal: ReadonlySet<string> | undefined;
  readonly namespaces: ReadonlySet<string>;
}

const meta = z.object({
  name: z.string(),
  namespace: z.string().default(""),
  annotations: z.record(z.string(), z.string()).nullish(),
});
const listOf = <T extends z.ZodType>(item: T) =>
  z.object({ metadata: z.object({ continue: z.string().optional() }).optional(), items: z.array(item) });
const bindings = listOf(
  z.object({
    metadata: meta,
    roleRef: z.object({ kind: z.string(), name: z.string() }),
    subjects: z.array(z.object({ kind: z.string(), name: z.string(), namespace: z.string().optional() })).nullish(),
  }),
);
const secrets = listOf(z.object({ metadata: meta, data: z.record(z.string(), z.string()).nullish() }));
const named = listOf(z.object({ metadata: meta }));
const configMap = z.object({ data: z.record(z.string(), z.string()).nullish() });

/** @throws Unread when any of it cannot be read as a whole */
export async function lookAtCluster(call: KubeCall, settings: Cluster): Promise<ClusterSeen> {
  const read = async <T>(path: string, form: z.ZodType<T>): Promise<T> => {
    const { status, value } = await call("GET", path);
    const parsed = form.safeParse(value);
    if (status !== 200 || !parsed.success) throw new Unread(`${path.split("?")[0]} was answered with status ${status}`);
    return parsed.data;
  };
  const whole = async <T>(
    path: string,
    form: z.ZodType<{ items: T[]; metadata?: { continue?: string | undefined } | undefined }>,
  ) => {
    const { items, metadata } = await read(path, form);
    if (metadata?.continue) throw new Unread(`the list of ${path.split("?")[0]} is not whole`);
    return items;
  };
  const rbac = "/apis/rbac.authorization.k8s.io/v1";
  const type = "fieldSelector=type%3Dkubernetes.io%2Fservice-account-token";
  const [inNamespaces, clusterWide, tokens, namespaces] = await Promise.all([
    whole(`${rbac}/rolebindings`, bindings),
    whole(`${rbac}/clusterrolebindings`, bindings),
    whole(`/api/v1/secrets?${type}`, secrets),
    whole("/api/v1/namespaces", named),
  ]);
  const { dashboard, portalMap } = settings;
  const injected =
    dashboard && (await whole(`/api/v1/namespaces/${dashboard.namespace}/secrets`, secrets)).flatMap(identitiesIn);
  const portal =
    portalMap && (await read(`/api/v1/namespaces/${portalMap.namespace}/configmaps/${portalMap.name}`, configMap));
  return {
    bindings: [...inNamespaces, ...clusterWide].map(({ metadata, roleRef, subjects }) => ({
      ...{ namespace: metadata.namespace, name: metadata.name, role: `${roleRef.kind} ${roleRef.name}` },
      ...{
        subjects: subjects ?? [],
        isSuspended: metadata.annotations?.["workstation/suspended-subjects"] !== undefined,
      },
    })),
    tokens: tokens.map(({ metadata: { name, namespace, annotations } }) => ({
      ...{ name, namespace, account: annotations?.["kubernetes.io/service-account.name"] ?? "" },
    })),
    injected: injected && new Set(injected),
    portal: portal && new Set(keysOf(portal.data?.["users.json"])),
    namespaces: new Set(namespaces.map(({ metadata }) => metadata.name)),
  };
}

function identitiesIn({ metadata, data }: z.output<typeof secrets>["items"][number]): readonly string[] {
  if (!/^token-injector-map-\d+$/.test(metadata.name)) return [];
  return keysOf(Buffer.from(data?.["identities.json"] ?? "", "base64").toString("utf8"));
}

/** The values are tokens, and nobody's business here. @throws Unread */
function keysOf(text: string | undefined): readonly string[] {
  try {
    return Object.keys(z.record(z.string(), z.unknown()).parse(JSON.parse(text ?? "")));
  } catch (cause) {
    throw new Unread("a map of identities in the cluster is damaged", { cause });
  }
}

const QUESTIONS = [
  { verb: "*", group: "*", resource: "*" },
  { verb: "list", group: "", resource: "namespaces" },
  { verb: "list", group: "", resource: "pods" },
  { verb: "get", group: "", resource: "nodes" },
  { verb: "get", group: "", resource: "secrets" },
];
const AT_HOME = [
  { verb: "list", group: "", resource: "pods" },
  { verb: "create", group: "", resource: "pods" },
  { verb: "create", group: "", resource: "pods", subresource: "exec" },
  { verb: "get", group: "", resource: "secrets" },
  { verb: "create", group: "rbac.authorization.k8s.io", resource: "rolebindings" },
];
const review = z.object({ status: z.object({ allowed: z.boolean(), reason: z.string().optional() }) });

/** @throws Unread */
export async function probeCluster(call: KubeCall, seen: ClusterSeen, who: Leaver): Promise<readonly Finding[]> {
  return [await reviewed(call, who), ...ownThings(seen, who), ...plantedBy(who, seen)];
}

async function reviewed(call: KubeCall, { email, namespaces }: Leaver): Promise<Finding> {
  if (email === undefined) return cut("cluster", "they had no e-mail here, so no right was ever given to them");
  const asked = [
    ...QUESTIONS,
    ...namespaces.flatMap((namespace) => AT_HOME.map((question) => ({ ...question, namespace }))),
  ];
  const allowed = (
    await inLanes(asked, async (resourceAttributes) => {
      const { status, value } = await call("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", {
        ...{ apiVersion: "authorization.k8s.io/v1", kind: "SubjectAccessReview" },
        spec: { user: email, groups: ["system:authenticated"], resourceAttributes },
      });
      const parsed = review.safeParse(value);
      if (status !== 201 || !parsed.success) throw new Unread(`an access review was answered with status ${status}`);
      const { verb, resource, namespace = "" } = { namespace: undefined, ...resourceAttributes };
      const where = namespace === "" ? "everywhere" : `in ${namespace}`;
      return parsed.data.status.allowed ? [`${verb} ${resource} ${where} (${parsed.data.status.reason ?? ""})`] : [];
    })
  ).flat();
  if (allowed.length === 0) return cut("cluster", `${asked.length} access reviews of ${email}: all no`);
  return hand("cluster", `${email} may still: ${allowed.join("; ")}`, "take away the bindings that the reasons name");
}

function ownThings(seen: ClusterSeen, { k8sUser, authentikUser, email, namespaces }: Leaver): readonly Finding[] {
  const account = dashboardAccount(k8sUser as K8sUser);
  const tokens = seen.tokens.filter((token) => token.account === account && namespaces.includes(token.namespace));
  const missing = namespaces.filter((namespace) => !seen.namespaces.has(namespace));
  const isIn = (set: ReadonlySet<string> | undefined, name: string | undefined) =>
    set !== undefined && name !== undefined && set.has(name);
  const deploy = "deploy once more";
  return [
    tokens.length === 0
      ? cut("cluster", "the token of their dashboard account is gone")
      : residual(
          "cluster",
          "the token of their dashboard account is there, without any right",
          "the next deployment that ends well",
        ),
    ...(isIn(seen.injected, authentikUser) ? [hand("cluster", "the token injector still knows them", deploy)] : []),
    ...(isIn(seen.portal, email) ? [hand("cluster", "the portal still lists them", deploy)] : []),
    ...missing.map((namespace) =>
      hand("cluster", `their namespace ${namespace}, which is kept, is not there`, "find out who deleted it"),
    ),
  ];
}

/** Why the cluster could not be asked, as a finding. */
export const clusterUnread = (cause: Unread): Finding => unknown("cluster", `it could not be asked: ${cause.message}`);
