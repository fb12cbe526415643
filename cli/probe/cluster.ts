/**
 * Probes the cluster for one offboarded user: reviews the access of their e-mail in the API server, and looks for
 * objects and map entries of theirs and for rights that they delegated.
 */

import { z } from "zod";
import { dashboardAccount, isNobody } from "../../roster/object-names.ts";
import type { K8sUser } from "../../roster/model.ts";
import { mapOf } from "../../agent/lib/map-schema.ts";
import { type KubeCall, KubernetesError } from "../../clients/kubernetes/client.ts";
import type { StackSettings } from "../../config/settings/stack-settings.ts";
import { mapConcurrently } from "../map-concurrently.ts";
import { revoked, type Finding, needsAction, type OffboardedUser, residual, notProbed } from "./model.ts";
import { type Bound, delegatedBy } from "./delegated-rights.ts";

type Cluster = NonNullable<StackSettings["cluster"]>;

/** What is read once, whoever is asked about. */
export interface ClusterState {
  readonly bindings: readonly Bound[];
  /** Secrets with a ServiceAccount's lasting token. */
  readonly tokens: readonly { readonly namespace: string; readonly name: string; readonly account: string }[];
  /** Whom the injector knows; undefined where the stack has none, KubernetesError where its map is damaged or gone. */
  readonly injected: ReadonlySet<string> | KubernetesError | undefined;
  /** Whom the portal knows; likewise. */
  readonly portal: ReadonlySet<string> | KubernetesError | undefined;
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

/** @throws KubernetesError when any of it cannot be read as a whole */
export async function lookAtCluster(call: KubeCall, settings: Cluster): Promise<ClusterState> {
  const read = async <T>(path: string, form: z.ZodType<T>): Promise<T> => {
    const { status, value } = await call("GET", path);
    const parsed = form.safeParse(value);
    if (status !== 200 || !parsed.success)
      throw new KubernetesError(`${path.split("?")[0]} was answered with status ${status}`);
    return parsed.data;
  };
  const whole = async <T>(
    path: string,
    form: z.ZodType<{ items: T[]; metadata?: { continue?: string | undefined } | undefined }>,
  ) => {
    const { items, metadata } = await read(path, form);
    if (metadata?.continue) throw new KubernetesError(`the list of ${path.split("?")[0]} is not whole`);
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
  const [injected, portal] = await Promise.all([
    dashboard &&
      orUnread(async () => identitiesIn(await whole(`/api/v1/namespaces/${dashboard.namespace}/secrets`, secrets))),
    portalMap &&
      orUnread(async () => {
        const path = `/api/v1/namespaces/${portalMap.namespace}/configmaps/${portalMap.name}`;
        return keysOf((await read(path, configMap)).data?.["users.json"]);
      }),
  ]);
  return {
    bindings: [...inNamespaces, ...clusterWide].map(({ metadata, roleRef, subjects }) => ({
      ...{ namespace: metadata.namespace, name: metadata.name, role: `${roleRef.kind} ${roleRef.name}` },
      ...{
        subjects: (subjects ?? []).filter((subject) => !isNobody(subject)),
        isSuspended: metadata.annotations?.["workstation/suspended-subjects"] !== undefined,
      },
    })),
    tokens: tokens.map(({ metadata: { name, namespace, annotations } }) => ({
      ...{ name, namespace, account: annotations?.["kubernetes.io/service-account.name"] ?? "" },
    })),
    injected,
    portal,
    namespaces: new Set(namespaces.map(({ metadata }) => metadata.name)),
  };
}

/** What is known by these maps is one question of several: that they cannot be read leaves the others their answers. */
async function orUnread(ask: () => Promise<ReadonlySet<string>>): Promise<ReadonlySet<string> | KubernetesError> {
  try {
    return await ask();
  } catch (cause) {
    if (cause instanceof KubernetesError) return cause;
    throw cause;
  }
}

/** The map is cut into pieces, of which there is always one. @throws KubernetesError */
function identitiesIn(all: z.output<typeof secrets>["items"]): ReadonlySet<string> {
  const pieces = all.filter(({ metadata }) => /^token-injector-map-\d+$/.test(metadata.name));
  if (pieces.length === 0) throw new KubernetesError("there is no Secret token-injector-map-0");
  const texts = pieces.map(({ data }) => Buffer.from(data?.["identities.json"] ?? "", "base64").toString("utf8"));
  return new Set(texts.flatMap((text) => [...keysOf(text)]));
}

/** The values are tokens, and nobody's business here. @throws KubernetesError */
function keysOf(text: string | undefined): ReadonlySet<string> {
  try {
    return new Set(
      mapOf(z.unknown())
        .parse(JSON.parse(text ?? ""))
        .keys(),
    );
  } catch (cause) {
    throw new KubernetesError("a map of identities in the cluster is damaged", { cause });
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

/** @throws KubernetesError */
export async function probeCluster(
  call: KubeCall,
  seen: ClusterState,
  offboarded: OffboardedUser,
): Promise<readonly Finding[]> {
  return [await reviewed(call, offboarded), ...ownThings(seen, offboarded), ...delegatedBy(offboarded, seen)];
}

async function reviewed(call: KubeCall, offboarded: OffboardedUser): Promise<Finding> {
  const { email, emailHolder, namespaces } = offboarded;
  if (email === undefined) return revoked("cluster", "they had no e-mail here, so no right was ever given to them");
  if (emailHolder !== undefined)
    return revoked("cluster", `${email} is ${emailHolder}'s address today, and what it may do is theirs`);
  const verbs = [
    ...QUESTIONS,
    ...namespaces.flatMap((namespace) => AT_HOME.map((question) => ({ ...question, namespace }))),
  ];
  const allowed = (
    await mapConcurrently(verbs, async (resourceAttributes) => {
      const { status, value } = await call("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", {
        ...{ apiVersion: "authorization.k8s.io/v1", kind: "SubjectAccessReview" },
        spec: { user: email, groups: ["system:authenticated"], resourceAttributes },
      });
      const parsed = review.safeParse(value);
      if (status !== 201 || !parsed.success)
        throw new KubernetesError(`an access review was answered with status ${status}`);
      const { verb, resource, namespace = "" } = { namespace: undefined, ...resourceAttributes };
      const where = namespace === "" ? "everywhere" : `in ${namespace}`;
      return parsed.data.status.allowed ? [`${verb} ${resource} ${where} (${parsed.data.status.reason ?? ""})`] : [];
    })
  ).flat();
  if (allowed.length === 0) return revoked("cluster", `${verbs.length} access reviews of ${email}: all no`);
  return needsAction(
    "cluster",
    `${email} may still: ${allowed.join("; ")}`,
    "take away the bindings that the reasons name",
  );
}

function ownThings(
  seen: ClusterState,
  { k8sUser, authentikUser, loginHolder, email, emailHolder, namespaces }: OffboardedUser,
): readonly Finding[] {
  const account = dashboardAccount(k8sUser as K8sUser);
  const tokens = seen.tokens.filter((token) => token.account === account && namespaces.includes(token.namespace));
  const missing = namespaces.filter((namespace) => !seen.namespaces.has(namespace));
  return [
    tokens.length === 0
      ? revoked("cluster", "the token of their dashboard account is gone")
      : residual(
          "cluster",
          "the token of their dashboard account is there, without any right",
          "the next deployment that ends well",
        ),
    ...knownTo("the token injector", seen.injected, loginHolder === undefined ? authentikUser : undefined),
    ...knownTo("the portal", seen.portal, emailHolder === undefined ? email : undefined),
    ...missing.map((namespace) =>
      needsAction("cluster", `their namespace ${namespace}, which is kept, is not there`, "find out who deleted it"),
    ),
  ];
}

function knownTo(
  what: string,
  people: ReadonlySet<string> | KubernetesError | undefined,
  name: string | undefined,
): readonly Finding[] {
  if (people === undefined) return [];
  if (people instanceof KubernetesError)
    return [notProbed("cluster", `${what}'s map could not be read: ${people.message}`)];
  return [
    name !== undefined && people.has(name)
      ? needsAction(
          "cluster",
          `${what} still knows them`,
          "start the schedule `daily`, or deploy by `pulumi up --refresh`",
        )
      : revoked("cluster", `${what} does not know them`),
  ];
}

/** Why the cluster could not be asked, as a finding. */
export const clusterUnread = (cause: KubernetesError): Finding =>
  notProbed("cluster", `it could not be asked: ${cause.message}`);
