/** What the answers of cluster, Vault and forge come to, with fakes that answer by path. */

import { afterEach, expect, test } from "vitest";
import type { z } from "zod";
import { addressChecks, namedAddresses } from "../../../cli/doctor/addresses.ts";
import { chatChecks } from "../../../cli/doctor/chat.ts";
import { clusterChecks, hostsOfIngresses } from "../../../cli/doctor/cluster.ts";
import { requiredRights } from "../../../cli/doctor/deployment-role.ts";
import { forgeChecks } from "../../../cli/doctor/forge.ts";
import { mirrorChecks } from "../../../cli/doctor/mirror.ts";
import type { Check } from "../../../cli/doctor/model.ts";
import { vaultChecks } from "../../../cli/doctor/vault.ts";
import { type Forge, ForgeError, type ForgeRequest } from "../../../clients/forgejo/client.ts";
import { openKubernetes } from "../../../clients/kubernetes/client.ts";
import { inspectCertificate, TlsFailure } from "../../../clients/tls/inspect-certificate.ts";
import type { Vault } from "../../../clients/vault/client.ts";
import { settings } from "../../config/raw-config.ts";
import { text } from "../../house/sources.ts";
import { roster, rosterOf, row } from "../../roster/support.ts";
import { type HttpsCluster, startHttpsCluster } from "../https-cluster.ts";
import { GOOD, NOW } from "./good-certificate.ts";

const missingOf = (checks: readonly Check[]) =>
  checks.filter(({ state }) => state === "missing").map(({ what, found }) => `${what}: ${found}`);

let server: HttpsCluster | undefined;
afterEach(() => server?.stop());

const CLUSTER = { server: "https://api.test", caData: "eA==", oidc: { issuer: "https://i.test/", clientId: "c" } };
const RIGHTS = requiredRights(text("ci/deployment-role.yaml"));
const DISCOVERY = {
  "admissionregistration.k8s.io/v1": ["ValidatingAdmissionPolicy"],
  "external-secrets.io/v1": [] as string[],
};

/** An API server that allows what the test says, and knows these namespaces. */
const apiServer = async (allows: (asked: { verb: string; resource: string }) => boolean, known: string[] = []) => {
  server = await startHttpsCluster((method, path, body) => {
    if (path.endsWith("selfsubjectreviews"))
      return { status: 201, body: { status: { userInfo: { username: "system:serviceaccount:kube-system:w" } } } };
    if (path.endsWith("selfsubjectaccessreviews")) {
      const asked = (body as { spec: { resourceAttributes: { verb: string; resource: string } } }).spec
        .resourceAttributes;
      return { status: 201, body: { status: { allowed: allows(asked) } } };
    }
    const group = Object.entries(DISCOVERY).find(([name]) => path === `/apis/${name}`);
    if (group !== undefined)
      return { body: { resources: group[1].map((kind) => ({ name: kind.toLowerCase(), kind, namespaced: true })) } };
    if (known.some((name) => path === `/api/v1/namespaces/${name}`)) return { body: { kind: "Namespace" } };
    return method === "GET" ? undefined : { status: 405, body: { kind: "Status" } };
  });
  return openKubernetes(server.kubeconfig);
};

test("an admin of the cluster lacks nothing, after one question for all rights", async () => {
  const call = await apiServer(() => true);
  expect(missingOf(await clusterChecks(call, "https://api.test", settings({ cluster: CLUSTER }), RIGHTS))).toEqual([]);
  expect(server?.asked.filter((line) => line.endsWith("selfsubjectaccessreviews"))).toHaveLength(1);
});

test("every verb that is refused is named with its kind and its rule, and what must exist with its command", async () => {
  const call = await apiServer(({ verb, resource }) => verb !== "*" && verb !== "escalate" && resource !== "secrets");
  const stack = settings({
    cluster: { ...CLUSTER, portalMap: { namespace: "portal" } },
    stem95su: { host: "s.example" },
  });
  const checks = await clusterChecks(call, "https://api.test", stack, RIGHTS);
  expect(missingOf(checks)).toEqual([
    "rights on secrets: may not get, list, watch, create, update, patch, delete",
    "rights on roles.rbac.authorization.k8s.io: may not escalate",
    "rights on clusterroles.rbac.authorization.k8s.io: may not escalate",
    "kind ExternalSecret: the cluster has none in external-secrets.io/v1",
    "namespace portal: there is none",
  ]);
  expect(checks.find(({ what }) => what === "rights on secrets")?.remedy).toContain(
    'kubectl apply -f ci/deployment-role.yaml, or as a rule of its own: { apiGroups: [""], resources: [secrets]',
  );
  expect(checks.find(({ what }) => what === "namespace portal")?.remedy).toBe("kubectl create namespace portal");
  // Reviews are answered and stored nowhere; nothing else but reading is asked.
  expect(server?.asked.filter((line) => !/^GET |^POST .*(reviews)$/.test(line))).toEqual([]);
});

const VAULT = settings({ vault: { address: "https://vault.test" } }).vault;

/** What docs/vault.md has an administrator issue. */
const PERIODIC = {
  ...{ display_name: "token-program", ttl: 2_000_000, period: 2_764_800, renewable: true },
  ...{ orphan: true, num_uses: 0, explicit_max_ttl: 0 },
};
const USE = { readsUserMap: true, hasNamespaces: true };

/** Vault that gives these capabilities to every path but the ones of the test. */
function vaultWith(less: Readonly<Record<string, string[]>>, token: object = {}, role?: object): Vault {
  return {
    find: async <T>({ path, body }: { path: string; body?: object }, form: z.ZodType<T>) => {
      if (path === "auth/token/lookup-self") return form.parse({ data: { ...PERIODIC, ...token } });
      if (path === "sys/auth") return form.parse({ data: { "token/": {}, "kubernetes/": {} } });
      if (path.startsWith("auth/token/roles/")) return role === undefined ? undefined : form.parse({ data: role });
      const { paths } = body as { paths: string[] };
      const all = ["create", "read", "update", "delete", "list", "sudo"];
      return form.parse({ data: Object.fromEntries(paths.map((one) => [one, less[one] ?? all])) });
    },
    tell: async () => {
      throw new Error("nothing is written");
    },
  };
}

test("Vault's token is told each capability that it lacks, with the stanza that grants it, and each mount that is not there", async () => {
  if (VAULT === undefined) throw new Error("no vault");
  const checks = await vaultChecks(
    vaultWith({ "auth/kubernetes/role/doctor": ["read"], "identity/entity": ["deny"] }),
    VAULT,
    USE,
  );
  expect(missingOf(checks)).toEqual([
    "right on identity/entity: the token may not create, update",
    "right on auth/kubernetes/role/*: the token may not create, update, delete",
    "auth mount oidc: there is none; the mounts are token, kubernetes",
  ]);
  expect(checks.find(({ what }) => what.includes("role"))?.remedy).toContain(
    'path "auth/kubernetes/role/*" {\n  capabilities = ["create", "read", "update", "delete"]\n}',
  );
});

const ROLE = {
  ...{ orphan: true, renewable: true, token_period: 2_764_800, token_type: "service", token_no_default_policy: true },
  allowed_policies_glob: ["workstation-claude-*"],
};

test.each([
  ["there", ROLE, []],
  ["missing", undefined, ["there is no such role"]],
  [
    "open to every policy",
    { ...ROLE, allowed_policies_glob: [] },
    ["does not allow the policies workstation-claude-*"],
  ],
  [
    "open to another pattern",
    { ...ROLE, allowed_policies_glob: ["workstation-claude-*", "*"] },
    ["also allows the policies *"],
  ],
  ["open to named policies", { ...ROLE, allowed_policies: ["admin"] }, ["also allows the policies admin"]],
  ["closed to some", { ...ROLE, disallowed_policies_glob: ["workstation-*"] }, ["excludes the policies workstation-*"]],
  ["closed to one", { ...ROLE, disallowed_policies: ["root"] }, ["excludes the policies root"]],
  ["open to identities", { ...ROLE, allowed_entity_aliases: ["*"] }, ["lets tokens have another identity's policies"]],
  [
    "limited in time",
    { ...ROLE, token_explicit_max_ttl: 86_400 },
    ["gives tokens that end after 24 h whatever renews them"],
  ],
  ["limited in uses", { ...ROLE, token_num_uses: 3 }, ["gives tokens that end after 3 uses"]],
  [
    "bound to addresses",
    { ...ROLE, token_bound_cidrs: ["10.0.0.5"] },
    ["binds tokens to addresses, and the program renews them from another one"],
  ],
  [
    "with a path suffix",
    { ...ROLE, path_suffix: "x" },
    ["has a path suffix, so that the tokens that it issued are not found again"],
  ],
  ["short", { ...ROLE, token_period: 3600 }, ["gives tokens of 1 h, which may end before a renewal"]],
  ["as short as may be", { ...ROLE, token_period: 691_200 }, []],
  ["not renewable", { ...ROLE, renewable: false }, ["gives tokens that cannot be renewed for good"]],
  [
    "Vault's own defaults",
    { renewable: true, orphan: false, token_type: "default-batch", allowed_policies_glob: null },
    [
      "does not allow the policies workstation-claude-*; gives tokens that end with the program's own; gives tokens that " +
        'cannot be renewed for good; adds the policy "default"; may give batch tokens, which cannot be revoked',
    ],
  ],
])("a token role of the credential syncs that is %s", async (_what, role, expected) => {
  const { vault } = settings({
    vault: { address: "https://vault.test", oidcMount: "kubernetes", workstationTokens: {} },
  });
  if (vault === undefined) throw new Error("no vault");
  const checks = await vaultChecks(vaultWith({}, undefined, role), vault, USE);
  expect(missingOf(checks)).toEqual(expected.map((fault) => `token role workstation-claude: ${fault}`));
  const remedies = checks.flatMap(({ state, remedy }) => (state === "missing" ? [remedy] : []));
  // What a write leaves out stays as it was.
  const form = role === undefined ? /^vault write \S+ / : /^vault delete \S+\/workstation-claude && vault write \S+ /;
  expect(remedies).toEqual(expected.map(() => expect.stringMatching(form)));
});

test("a Vault that says nothing about the token is an error, and no token without an end", async () => {
  if (VAULT === undefined) throw new Error("no vault");
  const silent: Vault = { ...vaultWith({}), find: async () => undefined };
  await expect(vaultChecks(silent, VAULT, USE)).rejects.toThrow("says nothing about the program's own token");
});

test.each([
  [{}, []],
  [{ ttl: 0, period: undefined, renewable: false }, []],
  [{ ttl: 400_000 }, []],
  [{ ttl: 7200 }, ["token's life: 2 hours left"]],
  [{ orphan: false }, ["token's kind: it is revoked with the token that made it"]],
  [{ period: undefined }, ["token's kind: it ends whatever renews it"]],
  [{ renewable: false }, ["token's kind: it ends whatever renews it"]],
  [{ explicit_max_ttl: 31_536_000 }, ["token's kind: it ends whatever renews it"]],
  [{ num_uses: 3 }, ["token's kind: it ends after 3 more uses"]],
])("a token of %j", async (token, expected) => {
  if (VAULT === undefined) throw new Error("no vault");
  const checks = await vaultChecks(vaultWith({}, token), { ...VAULT, oidcMount: "kubernetes" }, USE);
  expect(missingOf(checks)).toEqual(expected);
});

test("a right or a mount that this site does not use is no finding, and the token's own renewal is a right", async () => {
  const use = { readsUserMap: false, hasNamespaces: false };
  const settingsOf = { vault: { address: "https://vault.test", oidcMount: "token", kubernetesMount: "none" } };
  const { vault } = settings(settingsOf);
  if (vault === undefined) throw new Error("no vault");
  const without = (path: string) => vaultWith({ [path]: ["deny"] });
  expect(missingOf(await vaultChecks(without("secret/data/platform"), vault, use))).toEqual([]);
  expect(missingOf(await vaultChecks(without("secret/data/platform"), vault, USE))).toEqual([
    "right on secret/data/platform: the token may not read",
    "auth mount none: there is none; the mounts are token, kubernetes",
  ]);
  expect(missingOf(await vaultChecks(without("auth/token/renew-self"), vault, use))).toEqual([
    "right on auth/token/renew-self: the token may not update",
  ]);
});

const REPOSITORIES = settings().devvm.repositories;
function forgeWith(answers: Readonly<Record<string, unknown>>): Forge {
  const answer = <T>({ path, purpose, query }: ForgeRequest, form: z.ZodType<T>): T | undefined => {
    const known = answers[path.join("/")];
    if (known === 403) throw new ForgeError(`cannot ${purpose}: status 403`, 403);
    return known === undefined ? undefined : form.parse(Array.isArray(known) && query?.page === "2" ? [] : known);
  };
  const must = <T>(question: ForgeRequest, form: z.ZodType<T>): T => {
    const known = answer(question, form);
    if (known === undefined) throw new ForgeError(`cannot ${question.purpose}: status 404`, 404);
    return known;
  };
  return {
    ask: async (question, form) => must(question, form),
    find: async (question, form) => answer(question, form),
    tell: async () => {
      throw new Error("nothing is written");
    },
    page: async (question, form) => ({ items: must(question, form), total: undefined }),
  };
}
const FORGE = {
  user: { login: "ops-bot", is_admin: true },
  version: { version: "15.0.0+gitea-1.22.0" },
  "users/ops-bot": { id: 7, login: "ops-bot" },
  "users/ops-bot/tokens": [],
  "repos/ops/infra": { full_name: "ops/infra", permissions: { admin: true } },
  "repos/ops/infra/branches/master": { name: "master" },
  "repos/ops/infra/tag_protections": [],
  "users/ebarzin": { id: 8, login: "ebarzin" },
  "repos/ops/tripit": { full_name: "ops/tripit" },
};
const ROWS = [
  ...roster(
    rosterOf(
      row("wizard", "", "admin"),
      row("emo", "forgejo: { login: ebarzin }"),
      row("dora", "code_layout: workspace\nrepos: [tripit]"),
    ),
  ).rows.values(),
];

test.each([
  [{}, []],
  [{ user: { login: "ops-bot" } }, ["account: no administrator of the forge"]],
  [{ "users/ops-bot/tokens": 403 }, ["tokens: cannot list the access tokens of ops-bot: status 403"]],
  [{ "repos/ops/infra": undefined }, ["repository ops/infra: there is none, or this account may not see it"]],
  [{ "repos/ops/infra": { permissions: { admin: false } } }, ["repository ops/infra: the account is not its admin"]],
  [{ "repos/ops/infra/branches/master": undefined }, ["branch master: ops/infra has no such branch"]],
  [{ "users/ebarzin": undefined }, ["account ebarzin: there is none"]],
  [{ "repos/ops/tripit": undefined }, ["repository ops/tripit: there is none, or this account may not see it"]],
  [{ "repos/ops/infra/tag_protections": undefined }, ["tag rules: the server has no tag rules in its API"]],
])("the forge with %j", async (changes, expected) => {
  const checks = await forgeChecks(forgeWith({ ...FORGE, ...changes }), "https://forge.test", REPOSITORIES, ROWS);
  expect(missingOf(checks)).toEqual(expected);
});

test("a name that is not known, and each fault of a certificate, is a finding", async () => {
  const addresses = namedAddresses(settings({ cluster: CLUSTER, vault: { address: "https://vault.test" } }), {});
  expect(addresses.map(({ setting, url }) => `${setting} ${url.origin}`)).toEqual([
    "cluster.server https://api.test",
    "cluster.oidc.issuer https://i.test",
    "vault.address https://vault.test",
    "devvm.repositories.forgejo https://forge.test",
    "devvm.repositories.infraMirror https://mirror.test",
  ]);
  const checks = await addressChecks(addresses, NOW, {
    addressesOf: async (host) => {
      if (host === "mirror.test") throw new TlsFailure("the name cannot be looked up (ENOTFOUND)");
      return ["10.0.0.1"];
    },
    inspectCertificate: async ({ host }) =>
      host === "vault.test"
        ? { ...GOOD, validTo: new Date("2026-01-12"), distrust: "SELF_SIGNED_CERT_IN_CHAIN" }
        : GOOD,
  });
  expect(missingOf(checks)).toEqual([
    "certificate: it is not trusted here (SELF_SIGNED_CERT_IN_CHAIN)",
    "certificate: it expires on 2026-01-12, in 2 days",
    "connection: the name cannot be looked up (ENOTFOUND)",
  ]);
});

test("a host whose Ingress comes with the deployment is not red before it, and is as any other from then on", async () => {
  const site = settings({ kubeconfig: "k", cluster: CLUSTER, stem95su: { host: "site.test" } });
  const addresses = namedAddresses(site, {}).filter(({ setting }) => setting === "stem95su.host");
  const lookups = {
    addressesOf: async () => ["10.0.0.1"],
    inspectCertificate: async () => ({ ...GOOD, otherName: "it is for TRAEFIK DEFAULT CERT" }),
  };
  const states = async (served: string[]) =>
    (await addressChecks(addresses, NOW, lookups, new Set(served))).map(({ what, state }) => `${state} ${what}`);
  expect(await states(["other.test"])).toEqual(["ok name", "untried certificate"]);
  expect(await states(["site.test"])).toEqual(["ok name", "missing certificate"]);
});

test("the hosts of the cluster's Ingresses are read from all of its namespaces", async () => {
  server = await startHttpsCluster((_, path) => ({
    body: path === "/apis/networking.k8s.io/v1/ingresses" && {
      items: [{ spec: { rules: [{ host: "a.test" }, {}] } }, { spec: {} }],
    },
  }));
  expect(await hostsOfIngresses(openKubernetes(server.kubeconfig))).toContain("a.test");
});

test("a real certificate is inspected without being trusted first", async () => {
  await apiServer(() => true);
  const port = Number(/127\.0\.0\.1:(\d+)/.exec(server?.kubeconfig ?? "")?.[1]);
  expect(await inspectCertificate({ host: "127.0.0.1", port })).toMatchObject({
    distrust: expect.stringContaining("SELF_SIGNED"),
    otherName: undefined,
  });
  await expect(inspectCertificate({ host: "127.0.0.1", port: 1 })).rejects.toThrow("nothing listens there");
  expect(server?.asked).toEqual([]);
});

const REFS =
  "001e# service=git-upload-pack\n00000155d1 HEAD\0multi_ack\n003fd1 refs/heads/master\n003dd1 refs/tags/v1\n0000";

test.each([
  [200, REFS, "master", []],
  [200, "001e# service=git-upload-pack\n0000015dd1 refs/heads/main\0multi_ack\n0000", "main", []],
  [200, REFS, "main", ["mirror: it has no branch main"]],
  [200, REFS, "maste", ["mirror: it has no branch maste"]],
  [200, "001e# service=git-upload-pack\n000000b90 capabilities^{}\0multi_ack\n0000", "master", ["mirror: it is empty"]],
  [200, "<title>Sign in</title>", "master", ["mirror: no repository (status 200)"]],
  [401, "", "master", ["mirror: it requires a login (status 401)"]],
  [404, "", "master", ["mirror: no repository (status 404)"]],
])("a mirror that answers %s with %j, of which %s is cloned", async (status, text, branch, expected) => {
  const asked: string[] = [];
  const infraMirror = "https://reader:s3cret@mirror.test/ops/infra.git/";
  const checks = await mirrorChecks({ infraMirror, branch }, async ({ href }) => {
    asked.push(href);
    return { status, text };
  });
  expect(missingOf(checks)).toEqual(expected);
  expect(asked).toEqual(["https://mirror.test/ops/infra.git/info/refs?service=git-upload-pack"]);
  expect(JSON.stringify(checks)).not.toContain("s3cret");
});

test("a mirror that redirects, or is reached by SSH, is not tried", async () => {
  const of = async (infraMirror: string) =>
    (await mirrorChecks({ infraMirror, branch: "master" }, async () => ({ status: 301, text: "" })))[0]?.state;
  expect([await of("http://mirror.test/infra.git"), await of("ssh://git@mirror.test/infra.git")]).toEqual([
    "untried",
    "untried",
  ]);
});

test("the chat's webhook is looked at without a message and without showing its path", async () => {
  const lookups = { addressesOf: async () => ["10.0.0.1"], inspectCertificate: async () => GOOD };
  const checks = await chatChecks("https://chat.test/hooks/s3cret", lookups, NOW);
  expect(checks.map(({ state }) => state)).toEqual(["ok", "ok", "untried"]);
  expect(JSON.stringify(checks)).not.toContain("s3cret");
  expect((await chatChecks(undefined, lookups, NOW)).map(({ state }) => state)).toEqual(["untried"]);
  expect(missingOf(await chatChecks("nonsense", lookups, NOW))).toEqual([
    "webhook: WS_CHAT_WEBHOOK is not a web address",
  ]);
});
