/**
 * Checks the cluster: whether the kubeconfig signs in, which of the deployment's rights it has, and what must exist there
 * before the first deployment.
 */

import { z } from "zod";
import { type KubeCall, KubernetesError } from "../../clients/kubernetes/client.ts";
import { resourcesOf } from "../../clients/kubernetes/resource-path.ts";
import type { StackSettings } from "../../config/settings/stack-settings.ts";
import { mapConcurrently } from "../map-concurrently.ts";
import { type RequiredRight, ROLE_FILE } from "./deployment-role.ts";
import { type Check, missing, ok, type Target } from "./model.ts";

type Settings = Pick<StackSettings, "cluster" | "stem95su">;

const self = z.object({ status: z.object({ userInfo: z.object({ username: z.string() }) }) });
const review = z.object({ status: z.object({ allowed: z.boolean() }) });
const ingresses = z.object({
  items: z.array(
    z.object({
      spec: z.object({ rules: z.array(z.object({ host: z.string().optional() })).nullish() }).nullish(),
    }),
  ),
});
const version = z.object({ major: z.string(), minor: z.string() });

/** @throws KubernetesError where the API server does not answer */
export async function clusterChecks(
  call: KubeCall,
  where: string,
  settings: Settings,
  required: readonly RequiredRight[],
): Promise<readonly Check[]> {
  const nobody: Target = { surface: "cluster", where, who: "" };
  const answer = await call("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", {
    ...{ apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" },
  });
  const identity = self.safeParse(answer.value);
  if (!identity.success) {
    const found = answer.status === 401 ? "the API server knows nobody by this kubeconfig (status 401)" : undefined;
    return [
      missing(nobody, "sign-in", {
        found: found ?? `status ${answer.status}`,
        expected: "a token or certificate that is still valid",
        remedy:
          `kubectl apply -f ${ROLE_FILE}, make a kubeconfig with a token of that account, ` +
          "and: pulumi config set --secret kubeconfig < FILE",
      }),
    ];
  }
  const target = { ...nobody, who: identity.data.status.userInfo.username };
  return [
    ok(target, "sign-in", "by the kubeconfig"),
    ...(await rightsOf(call, target, needed(required, settings))),
    ...(await kindsOf(call, target, settings)),
    ...(await namespacesOf(call, target, settings)),
  ];
}

/** Kinds of the site are needed where there is one. */
function needed(required: readonly RequiredRight[], { stem95su }: Settings): readonly RequiredRight[] {
  const unused = [
    ...(stem95su === undefined ? ["externalsecrets"] : []),
    ...(stem95su?.alertAfterMinutes === undefined ? ["podmonitors", "prometheusrules"] : []),
  ];
  return required.filter(({ resource }) => !unused.includes(resource));
}

async function rightsOf(call: KubeCall, target: Target, required: readonly RequiredRight[]): Promise<readonly Check[]> {
  const allowed = async (resourceAttributes: object): Promise<boolean> => {
    const { status, value } = await call("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {
      ...{ apiVersion: "authorization.k8s.io/v1", kind: "SelfSubjectAccessReview", spec: { resourceAttributes } },
    });
    const parsed = review.safeParse(value);
    if (!parsed.success) throw new KubernetesError(`an access review was answered with status ${status}`);
    return parsed.data.status.allowed;
  };
  const count = required.reduce((sum, { verbs }) => sum + verbs.length, 0);
  const all = `all ${count} that a deployment uses, on ${required.length} kinds`;
  // An admin of the cluster needs no hundred questions.
  if (await allowed({ verb: "*", group: "*", resource: "*" })) return [ok(target, "rights", all)];
  const lacking = await mapConcurrently(required, async ({ group, resource, verbs }) => {
    const refused: string[] = [];
    for (const verb of verbs) if (!(await allowed({ verb, group, resource }))) refused.push(verb);
    return { group, resource, refused };
  });
  const findings = lacking.filter(({ refused }) => refused.length > 0);
  if (findings.length === 0) return [ok(target, "rights", all)];
  return findings.map(({ group, resource, refused }) =>
    missing(target, `rights on ${[resource, group].filter((part) => part !== "").join(".")}`, {
      found: `may not ${refused.join(", ")}`,
      expected: "the rule of the deployment's account",
      remedy: `kubectl apply -f ${ROLE_FILE}, or as a rule of its own: { apiGroups: ["${group}"], resources: [${resource}], verbs: [${refused.join(", ")}] }`,
    }),
  );
}

/** What the cluster itself must bring along. */
async function kindsOf(call: KubeCall, target: Target, { cluster, stem95su }: Settings): Promise<readonly Check[]> {
  const wanted = [
    {
      group: "admissionregistration.k8s.io/v1",
      kind: "ValidatingAdmissionPolicy",
      remedy: "upgrade the cluster to Kubernetes 1.30 or newer",
    },
    ...(stem95su === undefined
      ? []
      : [
          {
            group: "external-secrets.io/v1",
            kind: "ExternalSecret",
            remedy: "install the External Secrets operator, which brings the site's secret from Vault",
          },
        ]),
    ...(stem95su?.alertAfterMinutes === undefined
      ? []
      : [
          {
            group: "monitoring.coreos.com/v1",
            kind: "PrometheusRule",
            remedy: "install the Prometheus operator, or take stem95su.alertAfterMinutes out",
          },
        ]),
  ];
  const checks = await mapConcurrently(wanted, async ({ group, kind, remedy }) => {
    const there = (await resourcesOf(call, group)).some((one) => one.kind === kind);
    return there
      ? ok(target, `kind ${kind}`, group)
      : missing(target, `kind ${kind}`, { found: `the cluster has none in ${group}`, expected: kind, remedy });
  });
  return cluster?.apiServer === undefined ? checks : [...checks, await versionOf(call, target)];
}

async function versionOf(call: KubeCall, target: Target): Promise<Check> {
  const { status, value } = await call("GET", "/version");
  const parsed = version.safeParse(value);
  if (!parsed.success) throw new KubernetesError(`/version was answered with status ${status}`);
  const { major, minor } = parsed.data;
  const found = `Kubernetes ${major}.${minor}`;
  if (Number(major) > 1 || Number.parseInt(minor, 10) >= OLDEST_MINOR) return ok(target, "version", found);
  return missing(target, "version", {
    found,
    expected: `1.${OLDEST_MINOR} or newer, which cluster.apiServer needs`,
    remedy: "upgrade the cluster, or take cluster.apiServer out and set the API server's sign-in by hand",
  });
}

/** Since then the API server takes an AuthenticationConfiguration of version v1. */
const OLDEST_MINOR = 34;

async function namespacesOf(call: KubeCall, target: Target, { cluster }: Settings): Promise<readonly Check[]> {
  const dashboard = cluster?.dashboard;
  const names = [
    ...(dashboard === undefined || dashboard.createNamespace ? [] : [dashboard.namespace]),
    ...(cluster?.portalMap === undefined ? [] : [cluster.portalMap.namespace]),
  ];
  return mapConcurrently([...new Set(names)], async (name) => {
    const { status } = await call("GET", `/api/v1/namespaces/${name}`);
    if (status === 200) return ok(target, `namespace ${name}`, "there");
    return missing(target, `namespace ${name}`, {
      found: status === 404 ? "there is none" : `it cannot be read (status ${status})`,
      expected: "a namespace that exists: the settings name it",
      remedy: `kubectl create namespace ${name}`,
    });
  });
}

/** The hosts that the cluster's Ingresses name. @throws KubernetesError where the API server does not list them */
export async function hostsOfIngresses(call: KubeCall): Promise<ReadonlySet<string>> {
  const { status, value } = await call("GET", "/apis/networking.k8s.io/v1/ingresses");
  const parsed = ingresses.safeParse(value);
  if (!parsed.success) throw new KubernetesError(`the Ingresses cannot be listed (status ${status})`);
  const hosts = parsed.data.items.flatMap(({ spec }) => (spec?.rules ?? []).map(({ host }) => host ?? ""));
  return new Set(hosts);
}
