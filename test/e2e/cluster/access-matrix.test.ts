/** The access matrix against the lab's real API server: every line asked, and the attacks made as real requests of real sign-ins. */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { HOLDERS, may, type Scope, QUESTIONS } from "../../../components/cluster/access-matrix.ts";
import { OWNER_LABEL } from "../../../components/cluster/labels.ts";
import type { Issuers } from "../../../lab/oidc/issuers.ts";
import { deployCluster } from "../../../stacks/cluster.ts";
import { withFrontendHosts } from "../../../stacks/frontend-hosts.ts";
import { devvm } from "../../../config/settings/devvm.ts";
import { desired, left, person } from "../../components/cluster/people.ts";
import { type Api, eventually } from "./api.ts";
import { DASHBOARD, settingsFor } from "./dashboard-settings.ts";
import { applied, cleanCluster, type LabCluster, openLabCluster } from "./lab-cluster.ts";
import { openSignIn, token } from "./sign-in.ts";

const ADMIN = person("wizard", "admin");
const READER = person("emo", "power-user");
const OWNER = person("anca", "namespace-owner", ["anca-one", "anca-two"]);
const OTHER = person("bogdan", "namespace-owner", ["bogdan-one"]);
const GONE = person("carol", "namespace-owner", ["carol-one"]);
const PLACES: Readonly<Record<Scope, string | undefined>> = {
  own: "anca-one",
  other: "bogdan-one",
  system: "kube-system",
  cluster: undefined,
};
const SUBJECTS = new Map([
  ["admin", "wizard@people.test"],
  ["power-user", "emo@people.test"],
  ["namespace-owner", "anca@people.test"],
  ["an owner's dashboard", "system:serviceaccount:anca-one:dashboard-anca-k8s"],
  ["an owner's deployer", "system:serviceaccount:anca-one:deployer"],
  ["an offboarded user", "carol@people.test"],
]);

/** The portal and the code-server proxy, as the stack's settings name them. */
const FRONTENDS = devvm.parse({
  commands: { t3: ["/bin/t3"], browser: ["/bin/browser"], credentialSync: ["/bin/sync"] },
  repositories: { infraMirror: "https://mirror.test/infra.git", forgejo: "https://forge.test/", owner: "ops" },
  lobby: { listen: { socket: "/run/l.sock" }, origin: "https://portal.test", codeServer: "https://code.test/" },
  gate: { listen: { socket: "/run/g.sock" }, origin: "https://code.test" },
});

let lab: LabCluster;
let issuers: Issuers;

beforeAll(async () => {
  lab = await openLabCluster();
  await cleanCluster(lab);
  issuers = await openSignIn(lab);
  await applied(lab.admin, () =>
    deployCluster(
      "{}",
      desired([ADMIN, READER, OWNER, OTHER], [left(GONE)]),
      withFrontendHosts(settingsFor({ origin: "http://10.215.7.7:8080" }), FRONTENDS),
    ),
  );
});

afterAll(() => cleanCluster(lab));

const allowed = async (user: string, verb: string, group: string, resource: string, namespace: string | undefined) => {
  const [name = "", subresource] = resource.split("/");
  const groups = user.startsWith("system:serviceaccount:")
    ? ["system:serviceaccounts", "system:authenticated"]
    : ["system:authenticated"];
  const resourceAttributes = {
    verb,
    group,
    resource: name,
    ...(subresource ? { subresource } : {}),
    ...(namespace ? { namespace } : {}),
  };
  const review = {
    apiVersion: "authorization.k8s.io/v1",
    kind: "SubjectAccessReview",
    spec: { user, groups, resourceAttributes },
  };
  const { status, body } = await lab.admin("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review);
  if (status !== 201) throw new Error(`the API server could not be asked: ${status}`);
  return body.status.allowed as boolean;
};

describe.each(HOLDERS)("$name", (holder) => {
  test("may what the matrix says, and nothing else of it", async () => {
    const user = SUBJECTS.get(holder.name);
    if (user === undefined) throw new Error(`nobody stands for ${holder.name}`);
    const wrong: string[] = [];
    let asked = 0;
    for (const question of QUESTIONS) {
      for (const place of question.scopes) {
        const is = await allowed(user, question.verb, question.group, question.resource, PLACES[place]);
        asked += 1;
        if (is !== may(holder, question, place)) wrong.push(`${question.verb} ${question.resource} (${place}): ${is}`);
      }
    }
    expect(wrong).toEqual([]);
    expect(asked).toBeGreaterThan(150);
  });
});

const pod = (spec: object = {}) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { generateName: "try-" },
  spec: { containers: [{ name: "a", image: "none.test/none:1" }], ...spec },
});
const core = (namespace: string, what: string) => `/api/v1/namespaces/${namespace}/${what}`;
const rbac = (namespace: string, what: string) => `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/${what}`;
const service = (spec: object) => ({ apiVersion: "v1", kind: "Service", metadata: { generateName: "try-" }, spec });
const ingress = (spec: object, annotations: Readonly<Record<string, string>> = {}) => ({
  apiVersion: "networking.k8s.io/v1",
  kind: "Ingress",
  metadata: { generateName: "try-", annotations },
  spec,
});
const backend = { service: { name: "a", port: { number: 80 } } };
const rule = (host?: string, path = "/") => ({
  ...(host ? { host } : {}),
  http: { paths: [{ path, pathType: "Prefix", backend }] },
});
const ingresses = "/apis/networking.k8s.io/v1/namespaces/anca-one/ingresses";
const binding = (name: string, roleRef: object, subject: object) => ({
  apiVersion: "rbac.authorization.k8s.io/v1",
  kind: "RoleBinding",
  metadata: { name },
  roleRef: { apiGroup: "rbac.authorization.k8s.io", ...roleRef },
  subjects: [subject],
});
const anybody = { apiGroup: "rbac.authorization.k8s.io", kind: "Group", name: "system:authenticated" };

type Attempt = readonly [what: string, status: number, method: string, path: string, body?: unknown, type?: string];
const MERGE = "application/merge-patch+json";

/** Each denial stands beside what the same person may do, so that it is not denied for another reason. */
const OWNER_ATTEMPTS: readonly Attempt[] = [
  ["lists pods at home", 200, "GET", core("anca-one", "pods")],
  ["lists pods in the second home", 200, "GET", core("anca-two", "pods")],
  ["reads secrets at home", 200, "GET", core("anca-one", "secrets")],
  ["runs a pod at home", 201, "POST", core("anca-one", "pods"), pod()],
  [
    "makes an Ingress at home, with a certificate of its own host",
    201,
    "POST",
    ingresses,
    ingress({ rules: [rule("anca.test")], tls: [{ hosts: ["anca.test"], secretName: "own" }] }),
  ],
  [
    "makes an Ingress at home, with an annotation that adds no host",
    201,
    "POST",
    ingresses,
    ingress(
      { rules: [rule("anca.test")] },
      { "nginx.ingress.kubernetes.io/rewrite-target": "/", "nginx.ingress.kubernetes.io/proxy-read-timeout": "3600" },
    ),
  ],
  ["makes a Service at home", 201, "POST", core("anca-one", "services"), service({ ports: [{ port: 80 }] })],
  ["sees which namespaces there are", 200, "GET", "/api/v1/namespaces"],
  ["lists another's secrets", 403, "GET", core("bogdan-one", "secrets")],
  ["lists everybody's secrets", 403, "GET", "/api/v1/secrets"],
  ["watches everybody's secrets", 403, "GET", "/api/v1/secrets?watch=true&timeoutSeconds=1"],
  ["lists another's pods", 403, "GET", core("bogdan-one", "pods")],
  [
    "runs a privileged pod",
    403,
    "POST",
    core("anca-one", "pods"),
    pod({ containers: [{ name: "a", image: "x", securityContext: { privileged: true } }] }),
  ],
  [
    "mounts the node",
    403,
    "POST",
    core("anca-one", "pods"),
    pod({ volumes: [{ name: "n", hostPath: { path: "/" } }] }),
  ],
  ["runs in the node's network", 403, "POST", core("anca-one", "pods"), pod({ hostNetwork: true })],
  ["runs among the node's processes", 403, "POST", core("anca-one", "pods"), pod({ hostPID: true })],
  [
    "drops the Pod Security of home",
    403,
    "PATCH",
    "/api/v1/namespaces/anca-one",
    { metadata: { labels: { "pod-security.kubernetes.io/enforce": "privileged" } } },
    MERGE,
  ],
  [
    "passes for another owner",
    403,
    "PATCH",
    "/api/v1/namespaces/anca-one",
    { metadata: { labels: { "workstation/owner": "bogdan-k8s" } } },
    MERGE,
  ],
  [
    "binds more than their own rights",
    403,
    "POST",
    rbac("anca-one", "rolebindings"),
    binding("up", { kind: "ClusterRole", name: "cluster-admin" }, anybody),
  ],
  [
    "writes a role with more than their own rights",
    403,
    "POST",
    rbac("anca-one", "roles"),
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "Role",
      metadata: { name: "up" },
      rules: [{ apiGroups: [""], resources: ["resourcequotas"], verbs: ["*"] }],
    },
  ],
  [
    "takes a token of another's dashboard account",
    403,
    "POST",
    core("bogdan-one", "serviceaccounts/dashboard-bogdan-k8s/token"),
    { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} },
  ],
  [
    "takes a token of the admins' dashboard account",
    403,
    "POST",
    core(DASHBOARD, "serviceaccounts/dashboard-admin/token"),
    { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} },
  ],
  ["reads the injector's map", 403, "GET", core(DASHBOARD, "secrets/token-injector-map-0")],
  ["takes the dashboard's host", 422, "POST", ingresses, ingress({ rules: [rule("dashboard.test")] })],
  ["takes the portal's host", 422, "POST", ingresses, ingress({ rules: [rule("portal.test")] })],
  ["takes the code servers' host", 422, "POST", ingresses, ingress({ rules: [rule("code.test")] })],
  ...["dashboard.test", "portal.test", "code.test", "*.test"].map(
    (host): Attempt => [
      `brings a certificate for ${host}`,
      422,
      "POST",
      ingresses,
      ingress({ rules: [rule("anca.test")], tls: [{ hosts: ["anca.test", host], secretName: "own" }] }),
    ],
  ),
  [
    "brings a certificate for hosts that it does not name",
    422,
    "POST",
    ingresses,
    ingress({ rules: [rule("anca.test")], tls: [{ secretName: "own" }] }),
  ],
  ...[
    "nginx.ingress.kubernetes.io/server-alias",
    "nginx.ingress.kubernetes.io/server-snippet",
    "nginx.ingress.kubernetes.io/auth-url",
    "traefik.ingress.kubernetes.io/router.pathmatcher",
    "traefik.ingress.kubernetes.io/router.middlewares",
    "haproxy.org/backend-config-snippet",
    "external-dns.alpha.kubernetes.io/hostname",
    "cert-manager.io/alt-names",
  ].map(
    (name): Attempt => [
      `takes the dashboard's host by the annotation ${name}`,
      422,
      "POST",
      ingresses,
      ingress({ rules: [rule("anca.test")] }, { [name]: "dashboard.test" }),
    ],
  ),
  [
    "ends the controller's own configuration by the value of an annotation",
    422,
    "POST",
    ingresses,
    ingress({ rules: [rule("anca.test")] }, { "nginx.ingress.kubernetes.io/rewrite-target": '/"; } server {' }),
  ],
  [
    "keeps the controller from reading its configuration by a negative time",
    422,
    "POST",
    ingresses,
    ingress({ rules: [rule("anca.test")] }, { "nginx.ingress.kubernetes.io/proxy-read-timeout": "-1" }),
  ],
  [
    "makes an Ingress at home, as Pulumi names and awaits it",
    201,
    "POST",
    ingresses,
    ingress({ rules: [rule("anca.test")] }, { "pulumi.com/autonamed": "true", "pulumi.com/waitFor": "condition=Any" }),
  ],
  [
    "takes the dashboard's host by a path",
    422,
    "POST",
    ingresses,
    ingress({ rules: [rule("anca.test", "/`) || Host(`dashboard.test")] }),
  ],
  [
    "takes the dashboard's name by a Service",
    422,
    "POST",
    core("anca-one", "services"),
    {
      ...service({ ports: [{ port: 80 }] }),
      metadata: {
        generateName: "try-",
        annotations: { "external-dns.alpha.kubernetes.io/hostname": "dashboard.test" },
      },
    },
  ],
  ["takes every host", 422, "POST", ingresses, ingress({ rules: [rule()] })],
  ["takes hosts by a wildcard", 422, "POST", ingresses, ingress({ rules: [rule("*.test")] })],
  ["takes what is nobody's", 422, "POST", ingresses, ingress({ defaultBackend: backend })],
  [
    "catches traffic by externalIPs",
    422,
    "POST",
    core("anca-one", "services"),
    service({ ports: [{ port: 80 }], externalIPs: ["10.0.0.1"] }),
  ],
  [
    "points a Service elsewhere",
    422,
    "POST",
    core("anca-one", "services"),
    service({ type: "ExternalName", externalName: "vault.test" }),
  ],
  [
    "opens a node port",
    403,
    "POST",
    core("anca-one", "services"),
    service({ type: "NodePort", ports: [{ port: 80 }] }),
  ],
  [
    "takes a load balancer",
    403,
    "POST",
    core("anca-one", "services"),
    service({ type: "LoadBalancer", ports: [{ port: 80 }] }),
  ],
  ["goes round the ingress to the injector", 403, "GET", core(DASHBOARD, "services/token-injector:80/proxy/")],
  [
    "raises the quota",
    403,
    "PATCH",
    core("anca-one", "resourcequotas/quota"),
    { spec: { hard: { pods: "1000" } } },
    MERGE,
  ],
];

const READER_ATTEMPTS: readonly Attempt[] = [
  ["lists everybody's pods", 200, "GET", "/api/v1/pods"],
  ["reads the rbac objects", 200, "GET", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"],
  ["lists secrets", 403, "GET", core("anca-one", "secrets")],
  ["runs a command in a pod", 403, "POST", core(DASHBOARD, "pods/any/exec?command=id&stdout=true")],
  ["forwards a port", 403, "POST", core(DASHBOARD, "pods/any/portforward")],
  ["attaches to a pod", 403, "POST", core(DASHBOARD, "pods/any/attach")],
  ["asks through a pod", 403, "GET", core(DASHBOARD, "pods/any/proxy/")],
  ["adds a container to a pod", 403, "PATCH", core(DASHBOARD, "pods/any/ephemeralcontainers"), {}, MERGE],
  ["asks through a node", 403, "GET", "/api/v1/nodes/lab/proxy/pods"],
  [
    "writes a ConfigMap",
    403,
    "POST",
    core("anca-one", "configmaps"),
    { apiVersion: "v1", kind: "ConfigMap", metadata: { generateName: "try-" } },
  ],
  ["goes round the ingress to the injector", 403, "GET", core(DASHBOARD, "services/token-injector:80/proxy/")],
];

const GONE_ATTEMPTS: readonly Attempt[] = [
  ["lists pods in the namespace that was theirs", 403, "GET", core("carol-one", "pods")],
  ["sees which namespaces there are", 403, "GET", "/api/v1/namespaces"],
];

const ADMIN_ATTEMPTS: readonly Attempt[] = [
  ["lists everybody's secrets", 200, "GET", "/api/v1/secrets"],
  [
    "reaches the injector, which lets nobody in without an identity",
    401,
    "GET",
    core(DASHBOARD, "services/token-injector:80/proxy/"),
  ],
];

const DASHBOARD_ATTEMPTS: readonly Attempt[] = [
  ["lists pods at home", 200, "GET", core("anca-one", "pods")],
  ["lists pods in the owner's second namespace", 200, "GET", core("anca-two", "pods")],
  ["lists the nodes", 200, "GET", "/api/v1/nodes"],
  ["lists another's pods", 403, "GET", core("bogdan-one", "pods")],
  ["lists another's ConfigMaps", 403, "GET", core("bogdan-one", "configmaps")],
  ["lists another's secrets", 403, "GET", core("bogdan-one", "secrets")],
];

const ASKERS: readonly (readonly [string, readonly Attempt[], () => Promise<Api>])[] = [
  ["an owner", OWNER_ATTEMPTS, () => signedIn("anca@people.test")],
  ["a power-user", READER_ATTEMPTS, () => signedIn("emo@people.test")],
  ["an offboarded user", GONE_ATTEMPTS, () => signedIn("carol@people.test")],
  ["an admin", ADMIN_ATTEMPTS, () => signedIn("wizard@people.test")],
  ["an owner's dashboard", DASHBOARD_ATTEMPTS, () => asDashboard()],
];

describe.each(ASKERS)("%s", (_, attempts, come) => {
  test.each(attempts)("%s: %i", async (...attempt) => {
    const [, expected, method, path, body, type] = attempt as unknown as Attempt;
    const as = await come();
    const { status, body: answer } = await as(method, path, body, type);
    expect({ status, answer: status === expected ? "" : answer }).toEqual({ status: expected, answer: "" });
  });
});

test("nobody fills the cluster's store: beyond its number an object is refused", {
  timeout: 180_000,
}, async () => {
  const as = await signedIn("anca@people.test");
  const make = () =>
    as("POST", core("anca-two", "configmaps"), {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { generateName: "many-" },
    });
  let made = 0;
  let last = await make();
  while (last.status === 201 && made < 500) {
    made += 1;
    last = await make();
  }
  expect(last.status).toBe(403);
  expect(last.body.message).toContain("exceeded quota: quota");
  expect(made).toBeLessThanOrEqual(200);
});

test("an Ingress that is older than the rules can be deleted although it has a finalizer, and cannot be changed", {
  timeout: 180_000,
}, async () => {
  const { admin } = lab;
  const inNamespace = "/apis/networking.k8s.io/v1/namespaces/by-hand/ingresses";
  const one = `${inNamespace}/older`;
  const breaking = ingress({ rules: [rule("dashboard.test")] });
  const patched = async (body: object) => (await admin("PATCH", one, body, MERGE)).status;
  const owned = (owner: string | null) =>
    admin("PATCH", "/api/v1/namespaces/by-hand", { metadata: { labels: { [OWNER_LABEL]: owner } } }, MERGE);
  const otherSpec = { spec: { rules: [rule("portal.test")] } };
  const unfinished = { metadata: { finalizers: null } };
  const made = { apiVersion: "v1", kind: "Namespace", metadata: { name: "by-hand" } };
  expect((await admin("POST", "/api/v1/namespaces", made)).status).toBe(201);
  const older = { ...breaking, metadata: { name: "older", finalizers: ["workstation.test/kept"] } };
  expect((await admin("POST", inNamespace, older)).status).toBe(201);
  try {
    expect((await owned("anca-k8s")).status).toBe(200);
    await eventually("the rules of a tenant's namespace", async () =>
      (await admin("POST", `${inNamespace}?dryRun=All`, breaking)).status === 422 ? true : undefined,
    );
    expect(await patched({ metadata: { labels: { any: "label" } } })).toBe(200);
    expect(await patched({ metadata: { annotations: { "kubernetes.io/ingress.class": "other" } } })).toBe(422);
    expect(await patched(otherSpec)).toBe(422);
    expect((await admin("DELETE", one)).status).toBe(200);
    expect(await patched(otherSpec)).toBe(422);
    expect(await patched(unfinished)).toBe(200);
    expect((await admin("GET", one)).status).toBe(404);
  } finally {
    // A finalizer that stays would keep the namespace from being deleted.
    await owned(null);
    await eventually("the end of the finalizer", async () =>
      [200, 404].includes(await patched(unfinished)) ? true : undefined,
    );
  }
});

const signedIn = async (email: string): Promise<Api> => lab.as(token(issuers.commandLine, email));

async function asDashboard(): Promise<Api> {
  const { body } = await lab.admin("GET", core("anca-one", "secrets/dashboard-anca-k8s-token"));
  return lab.as(Buffer.from(body.data.token, "base64").toString("utf8"));
}
