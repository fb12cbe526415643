/** The probe in front of an API server that speaks real HTTPS: the dashboard's token, the token injector and the portal, and whatever of them cannot be read. */

import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { probeSurfaces } from "../../cli/probe/probe-surfaces.ts";
import type { OffboardedUser } from "../../cli/probe/model.ts";
import { rawOf, settings } from "../config/raw-config.ts";
import { type HttpsCluster, type Replied, startHttpsCluster } from "./https-cluster.ts";

vi.setConfig({ testTimeout: 60_000 });

const NINA: OffboardedUser = {
  ...{ osUser: "nina", everywhere: true, hosts: [], leftOn: "2026-11-01", authentikUser: "nina.a", k8sUser: "nina" },
  ...{ email: "nina@x.example", namespaces: ["nina-shop"], forgejoLogins: [] },
};
const TOKEN = "eyJhbGciOi.of-somebody.else";
const identities = (...names: readonly string[]) => ({
  "identities.json": Buffer.from(JSON.stringify(Object.fromEntries(names.map((name) => [name, TOKEN])))).toString(
    "base64",
  ),
});
const secret = (name: string, data?: object, account?: string) => ({
  metadata: { name, namespace: "nina-shop", annotations: { "kubernetes.io/service-account.name": account ?? "" } },
  ...(data === undefined ? {} : { data }),
});
const list = (...items: readonly object[]): Replied => ({ body: { metadata: {}, items } });
const RBAC = "/apis/rbac.authorization.k8s.io/v1";
const INJECTOR = "/api/v1/namespaces/headlamp/secrets";
const PORTAL = "/api/v1/namespaces/portal/configmaps/portal-users";
const TOKENS = "/api/v1/secrets?fieldSelector=type%3Dkubernetes.io%2Fservice-account-token";
/** After a leave that went well. */
const CUT: Readonly<Record<string, Replied>> = {
  [`${RBAC}/rolebindings`]: list(),
  [`${RBAC}/clusterrolebindings`]: list(),
  [TOKENS]: list(),
  "/api/v1/namespaces": list({ metadata: { name: "nina-shop" } }),
  [INJECTOR]: list(
    secret("other"),
    secret("token-injector-map-0", identities("wizard")),
    secret("token-injector-map-1", identities("emo")),
  ),
  [PORTAL]: { body: { data: { "users.json": JSON.stringify({ "emo@x.example": { role: "power-user" } }) } } },
};

/** With a dashboard, its injector, and a portal. */
const PRODUCTION = JSON.parse(rawOf("Pulumi.prod.yaml")["workstation:cluster"] ?? "") as object;

let server: HttpsCluster;
let known: Readonly<Record<string, Replied>>;
beforeAll(async () => {
  server = await startHttpsCluster((method, path, body) =>
    method === "POST" && path === "/apis/authorization.k8s.io/v1/subjectaccessreviews"
      ? { status: 201, body: { ...(body as object), status: { allowed: false } } }
      : known[path],
  );
});
afterAll(() => server.stop());
beforeEach(() => {
  known = CUT;
});

/** What the probe says of the cluster, in the stack that has a dashboard and a portal. */
async function probed(over: Readonly<Record<string, Replied>> = {}, without: object = {}, who: object = {}) {
  known = { ...CUT, ...over };
  const cluster = { ...PRODUCTION, ...without };
  const [report] = await probeSurfaces(settings({ cluster, kubeconfig: server.kubeconfig }), [{ ...NINA, ...who }]);
  expect(JSON.stringify(report)).not.toContain(TOKEN);
  return {
    verdict: report?.verdict,
    amiss: (report?.findings ?? []).flatMap(({ verdict, says, todo }) =>
      verdict === "cut" ? [] : [[verdict, says, todo]],
    ),
    cut: (report?.findings ?? []).flatMap(({ verdict, says }) => (verdict === "cut" ? [says] : [])),
  };
}

test("somebody who left is cut at the dashboard, the injector and the portal, and the report says of each that it was looked at", async () => {
  const { verdict, amiss, cut } = await probed();
  expect([verdict, amiss]).toEqual(["cut", []]);
  expect(cut).toEqual([
    "10 access reviews of nina@x.example: all no",
    "the token of their dashboard account is gone",
    "the token injector does not know them",
    "the portal does not know them",
  ]);
});

test.each<[string, Readonly<Record<string, Replied>>, string, string]>([
  [
    "an entry in the injector's first piece",
    { [INJECTOR]: list(secret("token-injector-map-0", identities("nina.a", "wizard"))) },
    "needs-a-hand",
    "the token injector still knows them",
  ],
  [
    "an entry in a later piece",
    {
      [INJECTOR]: list(
        secret("token-injector-map-0", identities()),
        secret("token-injector-map-12", identities("nina.a")),
      ),
    },
    "needs-a-hand",
    "the token injector still knows them",
  ],
  [
    "an entry in the portal",
    { [PORTAL]: { body: { data: { "users.json": '{"nina@x.example":{}}' } } } },
    "needs-a-hand",
    "the portal still knows them",
  ],
  [
    "the token of their dashboard account",
    { [TOKENS]: list(secret("dashboard-nina-token", undefined, "dashboard-nina")) },
    "residual",
    "the token of their dashboard account is there, without any right",
  ],
  [
    "an injector without any map",
    { [INJECTOR]: list(secret("other", identities("nina.a"))) },
    "unknown",
    "the token injector's map could not be read: there is no Secret token-injector-map-0",
  ],
  [
    "an injector's map that is damaged",
    { [INJECTOR]: list(secret("token-injector-map-0", { "identities.json": "bm8=" })) },
    "unknown",
    "the token injector's map could not be read: a map of identities in the cluster is damaged",
  ],
  [
    "an injector's map without its key",
    { [INJECTOR]: list(secret("token-injector-map-0", {})) },
    "unknown",
    "the token injector's map could not be read: a map of identities in the cluster is damaged",
  ],
  [
    "Secrets that may not be listed",
    { [INJECTOR]: { status: 403, body: { kind: "Status" } } },
    "unknown",
    `the token injector's map could not be read: ${INJECTOR} was answered with status 403`,
  ],
  [
    "a list that breaks off",
    { [INJECTOR]: { body: { metadata: { continue: "more" }, items: [secret("token-injector-map-0", identities())] } } },
    "unknown",
    `the token injector's map could not be read: the list of ${INJECTOR} is not whole`,
  ],
  [
    "a portal's map that is gone",
    { [PORTAL]: { status: 404, body: { kind: "Status" } } },
    "unknown",
    `the portal's map could not be read: ${PORTAL} was answered with status 404`,
  ],
])(
  "%s is found, is never taken for cut, and leaves the other questions their answers",
  async (_what, over, verdict, says) => {
    const { amiss, cut } = await probed(over);
    expect(amiss.map(([of, what]) => [of, what])).toEqual([[verdict, says]]);
    expect(cut).toContain("10 access reviews of nina@x.example: all no");
  },
);

test("what a login and an address open that somebody else has today is no leftover", async () => {
  const over = {
    [INJECTOR]: list(secret("token-injector-map-0", identities("nina.a"))),
    [PORTAL]: { body: { data: { "users.json": '{"nina@x.example":{}}' } } },
  };
  const holders = { loginHolder: { osUser: "emo", host: "devvm" }, emailHolder: "emo" };
  expect((await probed(over, {}, holders)).verdict).toBe("cut");
});

test("a stack without a dashboard and a portal asks for neither map", async () => {
  server.asked.length = 0;
  const { verdict, cut } = await probed({}, { dashboard: undefined, portalMap: undefined });
  expect([
    verdict,
    cut.length,
    server.asked.filter((line) => line.includes(INJECTOR) || line.includes(PORTAL)),
  ]).toEqual(["cut", 2, []]);
});

test("a cluster that does not answer is unknown", async () => {
  const { verdict, amiss } = await probed({ [`${RBAC}/rolebindings`]: { status: 503, body: {} } });
  expect([verdict, amiss.length]).toEqual(["unknown", 1]);
});
