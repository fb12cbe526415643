/** What the program declares in the cluster. What is protected there is tested on the real engine: mocks do not see it. */

import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { describe, expect, test, vi } from "vitest";
import { DEPLOYER_ROLE, DEPLOYER_RULES } from "../../../components/cluster/tier-rights.ts";
import { deployCluster } from "../../../stacks/cluster.ts";
import { withFrontendHosts } from "../../../stacks/frontend-hosts.ts";
import { cluster } from "../../../config/settings/cluster.ts";
import type { Namespace } from "../../../roster/model.ts";
import { NOBODY } from "../../../roster/object-names.ts";
import { LEAST, settings } from "../../config/raw-config.ts";
import { declared, only } from "./declared.ts";
import { desired, left, person } from "./people.ts";

const SETTINGS = cluster.parse({
  server: "https://api.test:6443",
  caData: "Y2E=",
  oidc: { issuer: "https://sso.test/", clientId: "kubernetes" },
  portalMap: { namespace: "portal" },
  protectedHosts: ["forge.test", "dashboard.test"],
  dashboard: {
    namespace: "kubernetes-dashboard",
    backend: { origin: "http://dashboard:80" },
    sharedSecret: { value: "of-the-ingress-0123456789", previous: "of-the-ingress-until-now-0123" },
    ingress: {
      host: "dashboard.test",
      className: "traefik",
      forwardAuth: { value: "authentik-forward-auth@kubernetescrd" },
      controller: { namespace: "traefik", podLabels: { "app.kubernetes.io/name": "traefik" } },
    },
  },
});

const ADMIN = person("wizard", "admin");
const READER = person("emo", "power-user");
const OWNER = person("anca", "namespace-owner", ["stem", "lab"]);

const FRONTENDS = settings({
  devvm: {
    ...LEAST.devvm,
    lobby: { listen: { socket: "/run/l.sock" }, origin: "https://portal.test:8443", codeServer: "https://code.test/x" },
    gate: { listen: { socket: "/run/g.sock" }, origin: "http://10.0.0.5:8900" },
  },
}).devvm;

const run = (...args: Parameters<typeof desired>) =>
  declared(() => deployCluster("{}", desired(...args), withFrontendHosts(SETTINGS, FRONTENDS)));
/** The texts in quotes of an expression. */
const quotedIn = (expression: string) => [...expression.matchAll(/'([^']*)'/g)].map(([, text]) => text);
const subjects = (all: Awaited<ReturnType<typeof run>>, name: string) =>
  only(all, "ClusterRoleBinding", name).inputs.subjects.map((one: { name: string; namespace?: string }) =>
    one.namespace === undefined ? one.name : `${one.namespace}/${one.name}`,
  );

describe("the tiers", () => {
  test("one binding a tier names its people by their e-mail", async () => {
    const all = await run([ADMIN, READER, OWNER]);
    expect(subjects(all, "oidc-admin")).toEqual(["wizard@people.test"]);
    expect(subjects(all, "oidc-power-user")).toEqual(["emo@people.test"]);
    expect(subjects(all, "oidc-namespace-owner")).toEqual(["anca@people.test"]);
    expect(only(all, "ClusterRoleBinding", "oidc-admin").inputs.roleRef.name).toBe("cluster-admin");
  });

  test("a namespace that was taken off a row stays declared, with nobody admitted", async () => {
    const all = await run([ADMIN, { ...OWNER, namespaces: [], formerNamespaces: OWNER.namespaces }]);
    expect(all.filter(({ type }) => type === "kubernetes:core/v1:Namespace").map(({ name }) => name)).toEqual(
      expect.arrayContaining(["tenant-stem", "tenant-lab"]),
    );
    expect(
      all
        .filter(({ inputs }) => inputs.metadata?.namespace === "stem")
        .map(({ name }) => name)
        .sort(),
    ).toEqual(["defaults", "owner", "pipelines", "quota", "wall"].map((what) => `tenant-stem-${what}`));
  });

  test("a tier without people keeps its binding, with nobody in it", async () => {
    expect(subjects(await run([ADMIN]), "oidc-power-user")).toEqual([NOBODY]);
  });

  test("somebody whose e-mail nobody knows is in no binding and has no token", async () => {
    const { email: _, ...pending } = OWNER;
    const all = await run([ADMIN, pending]);
    expect(subjects(all, "oidc-namespace-owner")).toEqual([NOBODY]);
    expect(
      all
        .filter(({ inputs }) => inputs.metadata?.namespace === "stem")
        .map(({ name }) => name)
        .sort(),
    ).toEqual(["defaults", "owner", "pipelines", "quota", "wall"].map((what) => `tenant-stem-${what}`));
  });
});

describe("a tenant", () => {
  test("gets everything that the specification lists", async () => {
    const all = await run([ADMIN, OWNER]);
    expect(
      all
        .filter(({ name }) => name.startsWith("tenant-stem"))
        .map(({ type, name }) => `${name} ${type.split(":").at(-1)}`)
        .sort(),
    ).toEqual([
      "tenant-stem Namespace",
      "tenant-stem-dashboard ServiceAccount",
      "tenant-stem-dashboard-token Secret",
      "tenant-stem-defaults LimitRange",
      "tenant-stem-deployer ServiceAccount",
      "tenant-stem-owner RoleBinding",
      "tenant-stem-pipelines RoleBinding",
      "tenant-stem-quota ResourceQuota",
      "tenant-stem-wall NetworkPolicy",
    ]);
  });

  test("is labelled as managed and with its owner, and its pods are held to the baseline", async () => {
    const all = await run([ADMIN, OWNER]);
    expect(only(all, "Namespace", "stem").inputs.metadata.labels).toEqual({
      "app.kubernetes.io/managed-by": "workstation",
      "workstation/owner": "anca-k8s",
      "pod-security.kubernetes.io/enforce": "baseline",
      "pod-security.kubernetes.io/warn": "restricted",
    });
  });

  test("keeps the room and loses every right when its owner leaves", async () => {
    const before = await run([ADMIN, OWNER]);
    const after = await run([ADMIN], [left(OWNER)]);
    const names = (all: typeof after) => all.map(({ name }) => name).filter((name) => name.startsWith("tenant-"));
    expect(names(after).sort()).toEqual(
      ["lab", "stem"]
        .flatMap((ns) => [
          `tenant-${ns}`,
          ...[`tenant-${ns}-owner`, `tenant-${ns}-pipelines`],
          `tenant-${ns}-defaults`,
          `tenant-${ns}-quota`,
          `tenant-${ns}-wall`,
        ])
        .sort(),
    );
    const bindings = after.filter(({ name, type }) => name.startsWith("tenant-") && type.endsWith(":RoleBinding"));
    const nobody = [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: NOBODY }];
    expect(bindings.map(({ inputs }) => inputs.subjects)).toEqual(Array(4).fill(nobody));
    const rooms = names(after).filter((name) => !/-(owner|pipelines)$/.test(name));
    for (const name of rooms) {
      const kept = (all: typeof after) => all.find((one) => one.name === name)?.inputs;
      expect(kept(after)).toEqual(kept(before));
    }
    expect(JSON.stringify(after)).not.toContain("anca@people.test");
    expect(JSON.stringify(after)).not.toContain("dashboard-anca-k8s");
  });

  test("lets the one dashboard account that a person has into all of their namespaces", async () => {
    const all = await run([ADMIN, OWNER]);
    const from = (namespace: string) =>
      only(all, "RoleBinding", "owner", namespace).inputs.subjects.map(
        (one: { kind: string; name: string; namespace?: string }) => `${one.kind} ${one.namespace ?? ""}/${one.name}`,
      );
    const [person, account] = ["User /anca@people.test", "dashboard-anca-k8s"];
    expect(from("stem")).toEqual([person, `ServiceAccount stem/${account}`]);
    expect(from("lab")).toEqual([person, `ServiceAccount lab/${account}`, `ServiceAccount stem/${account}`]);
    expect(subjects(all, "dashboard-nav-readonly")).toEqual(["stem/dashboard-anca-k8s", "lab/dashboard-anca-k8s"]);
  });

  test("has its pipelines bound to the one ClusterRole of all pipelines, which nothing binds cluster-wide", async () => {
    const all = await run([ADMIN, OWNER]);
    const { roleRef, subjects: bound } = only(all, "RoleBinding", DEPLOYER_ROLE, "lab").inputs;
    expect([roleRef.kind, roleRef.name, bound]).toEqual([
      "ClusterRole",
      DEPLOYER_ROLE,
      [{ kind: "ServiceAccount", name: "deployer", namespace: "lab" }],
    ]);
    expect(only(all, "ClusterRole", DEPLOYER_ROLE).inputs.rules).toEqual(DEPLOYER_RULES);
    const everywhere = all.filter(({ type }) => type.endsWith(":ClusterRoleBinding"));
    expect(everywhere.map(({ inputs }) => inputs.roleRef.name)).not.toContain(DEPLOYER_ROLE);
    expect(all.filter(({ type }) => type.endsWith(":Role"))).toEqual([]);
  });

  test("is refused what would pass by the ingress", async () => {
    const all = await run([ADMIN, OWNER]);
    const { hard } = only(all, "ResourceQuota", "quota", "stem").inputs.spec;
    expect([hard["services.loadbalancers"], hard["services.nodeports"]]).toEqual(["0", "0"]);
    const policy = only(all, "ValidatingAdmissionPolicy", "workstation-tenant-ingresses").inputs.spec;
    expect(policy.failurePolicy).toBe("Fail");
    const hosts = "['code.test', 'dashboard.test', 'forge.test', 'portal.test']";
    expect([policy.validations[1].expression, policy.validations[3].expression]).toEqual([
      expect.stringContaining(`r.host in ${hosts}`),
      expect.stringContaining(`h in ${hosts}`),
    ]);
  });

  test.each([
    ["nginx.ingress.kubernetes.io/", "rewrite-target ssl-redirect proxy-body-size whitelist-source-range", true],
    ["nginx.ingress.kubernetes.io/", "server-alias from-to-www-redirect server-snippet configuration-snippet", false],
    ["nginx.ingress.kubernetes.io/", "auth-url auth-signin auth-snippet auth-tls-secret auth-secret", false],
    [
      "nginx.ingress.kubernetes.io/",
      "mirror-target mirror-host proxy-ssl-secret custom-headers ssl-passthrough",
      false,
    ],
    ["nginx.org/", "server-snippets location-snippets rewrites mergeable-ingress-type", false],
    ["traefik.ingress.kubernetes.io/", "router.entrypoints router.tls", true],
    [
      "traefik.ingress.kubernetes.io/",
      "router.pathmatcher router.rule router.middlewares router.tls.domains.0.main",
      false,
    ],
    ["traefik.ingress.kubernetes.io/", "router.tls.options service.serverstransport rule-type", false],
    [
      "nginx.ingress.kubernetes.io/",
      "client-body-buffer-size proxy-buffer-size proxy-buffers-number proxy-max-temp-file-size limit-rps limit-connections",
      false,
    ],
    ["haproxy.org/", "ssl-redirect load-balance", true],
    ["haproxy.org/", "rate-limit-size rate-limit-period timeout-server", false],
    ["haproxy.org/", "backend-config-snippet frontend-config-snippet auth-secret request-set-header", false],
    ["haproxy-ingress.github.io/", "server-alias server-alias-regex config-backend auth-url", false],
    ["anything.example/", "server-alias backend-config-snippet", false],
    ["cert-manager.io/", "cluster-issuer issuer", true],
    ["cert-manager.io/", "alt-names common-name subject-organizations", false],
    ["external-dns.alpha.kubernetes.io/", "hostname target", false],
    ["kubectl.kubernetes.io/", "last-applied-configuration", true],
    ["pulumi.com/", "autonamed waitFor deletionPropagationPolicy skipAwait", true],
    ["", "server-alias", false],
  ])("may have of the annotations %s%s: %s", async (prefix, names, allowed) => {
    const { validations } = only(await run([]), "ValidatingAdmissionPolicy", "workstation-tenant-ingresses").inputs
      .spec;
    const listed = new Set(quotedIn(validations[4].expression));
    expect(names.split(" ").map((name) => listed.has(`${prefix}${name}`))).toEqual(names.split(" ").map(() => allowed));
  });

  test.each(["workstation-tenant-services", "workstation-tenant-ingresses"])(
    "can take a finalizer off an object that breaks a rule of %s, and change nothing that is served",
    async (name) => {
      const { matchConditions } = only(await run([]), "ValidatingAdmissionPolicy", name).inputs.spec;
      const annotations = (of: string) => `(has(${of}.metadata.annotations) ? ${of}.metadata.annotations : {})`;
      expect(matchConditions.map(({ expression }: { expression: string }) => expression.split(" || "))).toEqual([
        [
          "request.operation != 'UPDATE'",
          "object.spec != oldObject.spec",
          `${annotations("object")} != ${annotations("oldObject")}`,
        ],
      ]);
    },
  );

  test("finds every annotation that it may have in the docs", async () => {
    const { validations } = only(await run([]), "ValidatingAdmissionPolicy", "workstation-tenant-ingresses").inputs
      .spec;
    const docs = readFileSync("docs/cluster.md", "utf8");
    const rows = [...docs.matchAll(/^\| `([a-z.-]+\/)` \| (.*) \|$/gm)];
    const documented = rows.flatMap(([, prefix, names = ""]) =>
      [...names.matchAll(/`([^`]+)`/g)].map(([, name]) => `${prefix}${name}`),
    );
    expect(documented.sort()).toEqual(quotedIn(validations[4].expression).sort());
  });

  test("has further annotations where the settings name them", async () => {
    const more = { ...SETTINGS, tenantIngressAnnotations: ["nginx.ingress.kubernetes.io/auth-url"] };
    const all = await declared(() => deployCluster("{}", desired([ADMIN]), more));
    const policy = only(all, "ValidatingAdmissionPolicy", "workstation-tenant-ingresses").inputs.spec;
    expect(quotedIn(policy.validations[4].expression)).toContain("nginx.ingress.kubernetes.io/auth-url");
    for (const name of ["a'b", "a b", "x/y/z", "", "[x]"])
      expect(cluster.safeParse({ ...SETTINGS, tenantIngressAnnotations: [name] }).success).toBe(false);
  });

  test.each([
    [
      0,
      "host",
      ["anca.test", "a-1.b.test"],
      ["", "*.test", "Dashboard.test", "dashboard.test.", ".test", "a`b", "a\n"],
    ],
    [2, "certificate's host", ["anca.test"], ["", "*", "*.test", "DASHBOARD.test", "dashboard.test."]],
    [
      5,
      "value",
      ["/$2", "10m", "https://a.test/$1?x=1", "X-A, X-B", "^/[a-z]+"],
      ['"', "'", "a;b", "{", "}", "\\", "a\nb", "`", "#"],
    ],
    [
      7,
      "path",
      ["", "/", "/app", "/app(/|$)(.*)", "/.well-known/acme-challenge/aB_-1", "/[a-z]+"],
      ["/`) || Host(`dashboard.test", '/" {', "/{x:.*}", "/a;b", "/a b", "/\\", "/a\n", "/'", "app", "/#"],
    ],
  ] as const)("is told by check %i which %s is plain", async (at, _, plain, others) => {
    const { validations } = only(await run([]), "ValidatingAdmissionPolicy", "workstation-tenant-ingresses").inputs
      .spec;
    const [, pattern = ""] = /matches\(r'(.*?)'\)/.exec(validations[at].expression) ?? [];
    expect(pattern).toMatch(/^\^.*\$$/);
    expect(plain.filter((text) => !new RegExp(pattern).test(text))).toEqual([]);
    expect(others.filter((text) => new RegExp(pattern).test(text))).toEqual([]);
  });

  test("has no number that nginx cannot read with its unit", async () => {
    const { validations } = only(await run([]), "ValidatingAdmissionPolicy", "workstation-tenant-ingresses").inputs
      .spec;
    const [, pattern = ""] =
      /!object.metadata.annotations\[name\].matches\(r'(.*?)'\)/.exec(validations[6].expression) ?? [];
    const refused = (value: string) => new RegExp(pattern).test(value);
    expect(["-1", " -5s", "9999999999", "+99999999999m"].filter((value) => !refused(value))).toEqual([]);
    const plain = ["0", "3600", "100m", "31536000", "-a", "10.0.0.0/8", "https://a.test/12345678901", "a-1"];
    expect(plain.filter(refused)).toEqual([]);
  });

  test("has its pipelines' account made anew where the namespace was somebody else's, and only then", async () => {
    const heir = person("milea", "namespace-owner", ["lab", "own"]);
    const people = desired([ADMIN, { ...OWNER, namespaces: ["stem" as Namespace] }, heir]);
    const handedOver = new Map([[OWNER.osUser, ["lab" as Namespace]]]);
    let registered: readonly (readonly [Registration])[] = [];
    await declared(() => {
      // The mocks are not told of a resource's options; the engine is.
      const engine = pulumi.runtime.getMonitor() as unknown as { registerResource(resource: Registration): void };
      registered = vi.spyOn(engine, "registerResource").mock.calls;
      return deployCluster("{}", { ...people, handedOver }, withFrontendHosts(SETTINGS, FRONTENDS));
    });
    const anew = registered.filter(([resource]) => resource.getReplaceonchangesList().length > 0);
    expect(anew.map(([one]) => [one.getName(), one.getReplaceonchangesList(), one.getDeletebeforereplace()])).toEqual([
      ["tenant-lab-deployer", ["metadata"], true],
    ]);
  });
});

/** What the engine is asked to register. */
interface Registration {
  getName(): string;
  getReplaceonchangesList(): readonly string[];
  getDeletebeforereplace(): boolean;
}

describe("the injector", () => {
  test("knows the admins and the owners by the identity proxy's names, each with the right token", async () => {
    const all = await run([ADMIN, READER, OWNER]);
    expect(JSON.parse(only(all, "Secret", "token-injector-map-0").inputs.stringData["identities.json"])).toEqual({
      "wizard.login": "token of kubernetes-dashboard/dashboard-admin-token",
      "anca.login": "token of stem/dashboard-anca-k8s-token",
    });
  });

  test("forgets who left, and its pods roll", async () => {
    const before = await run([ADMIN, OWNER]);
    const after = await run([ADMIN], [left(OWNER)]);
    const entries = JSON.parse(only(after, "Secret", "token-injector-map-0").inputs.stringData["identities.json"]);
    expect(Object.keys(entries)).toEqual(["wizard.login"]);
    const digest = (all: typeof after) =>
      only(all, "Deployment", "token-injector").inputs.spec.template.metadata.annotations["workstation/digest"];
    expect(digest(before)).toMatch(/^[0-9a-f]{64}$/);
    expect(digest(after)).not.toBe(digest(before));
    expect(digest(await run([ADMIN, OWNER]))).toBe(digest(before));
  });

  test("has no token anywhere but in Secrets", async () => {
    const all = await run([ADMIN, OWNER]);
    const holders = all.filter(({ inputs }) => /token of |of-the-ingress/.test(JSON.stringify(inputs)));
    expect(holders.map(({ type, name }) => `${type} ${name}`)).toEqual([
      "kubernetes:core/v1:Secret token-injector-map-0",
      "kubernetes:core/v1:Secret token-injector-shared-secret",
    ]);
  });

  test("runs without any right on its node or in the cluster", async () => {
    const { spec } = only(await run([ADMIN]), "Deployment", "token-injector").inputs;
    const pod = spec.template.spec;
    expect(spec.replicas).toBe(2);
    expect(pod.automountServiceAccountToken).toBe(false);
    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } });
    expect(pod.containers.map((one: { securityContext: unknown }) => one.securityContext)).toEqual([
      { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ["ALL"] } },
    ]);
    // Declared, so that what somebody adds is noticed.
    expect([pod.containers[0].env, pod.containers[0].args, pod.initContainers]).toEqual([[], [], []]);
    expect(pod.containers[0].readinessProbe.httpGet.path).toBe("/readyz");
  });

  test("is reached from the ingress controller alone, through the identity proxy's middleware", async () => {
    const all = await run([ADMIN]);
    const [rule] = only(all, "NetworkPolicy", "token-injector").inputs.spec.ingress;
    expect(rule.from).toEqual([
      {
        namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "traefik" } },
        podSelector: { matchLabels: { "app.kubernetes.io/name": "traefik" } },
      },
    ]);
    const ingress = only(all, "Ingress", "token-injector").inputs;
    expect(ingress.metadata.annotations).toEqual({
      "pulumi.com/skipAwait": "true",
      "traefik.ingress.kubernetes.io/router.middlewares": "authentik-forward-auth@kubernetescrd",
    });
    expect(ingress.spec.rules.map(({ host }: { host: string }) => host)).toEqual(["dashboard.test"]);
  });
});

test("the dashboard's host is protected under the name that browsers use, too", async () => {
  const dashboard = { ...SETTINGS.dashboard, browserOrigin: "https://board.test:8443" } as typeof SETTINGS.dashboard;
  const all = await declared(() => deployCluster("{}", desired([ADMIN]), { ...SETTINGS, dashboard }));
  const policy = only(all, "ValidatingAdmissionPolicy", "workstation-tenant-ingresses").inputs.spec;
  expect(policy.validations[1].expression).toContain("['board.test', 'dashboard.test', 'forge.test']");
});

test("the portal learns who is who, and no secret", async () => {
  const all = await run([ADMIN, READER, OWNER]);
  expect(JSON.parse(only(all, "ConfigMap", "portal-users").inputs.data["users.json"])).toEqual({
    "anca@people.test": { role: "namespace-owner", namespaces: ["lab", "stem"] },
    "emo@people.test": { role: "power-user", namespaces: [] },
    "wizard@people.test": { role: "admin", namespaces: [] },
  });
});

test("a change of an e-mail is a change of the bindings and of nothing else of the tenant's", async () => {
  const before = await run([ADMIN, OWNER]);
  const after = await run([ADMIN, { ...OWNER, email: "new@people.test" as typeof OWNER.email & string }]);
  const changed = after.filter((one, i) => JSON.stringify(one) !== JSON.stringify(before[i])).map(({ name }) => name);
  expect(changed).toEqual(["portal-map", "rights-namespace-owner", "tenant-lab-owner", "tenant-stem-owner"]);
});
