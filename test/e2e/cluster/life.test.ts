/** A tenant's life by the real engine on the real cluster: in, left, back, under another e-mail; and what is never taken away. */

import { afterAll, beforeAll, expect, test } from "vitest";
import { NODE_IMAGE } from "../../../lab/cluster/node-image.ts";
import { NOBODY } from "../../../roster/object-names.ts";
import { type FixtureStack, openStack } from "../plugins/stack.ts";
import { DASHBOARD, settingsInput } from "./dashboard-settings.ts";
import { ECHO, startEcho } from "./echo.ts";
import { cleanCluster, type LabCluster, openLabCluster } from "./lab-cluster.ts";
import { openSignIn, token } from "./sign-in.ts";
import type { Issuers } from "../../../lab/oidc/issuers.ts";

type Row = readonly [name: string, tier: string, namespaces?: readonly string[], more?: object];

let lab: LabCluster;
let stack: FixtureStack;
let issuers: Issuers;

const ADMIN: Row = ["gandalf", "admin"];
const HANNA: Row = ["hanna", "namespace-owner", ["hanna-one", "hanna-two"]];
const SETTINGS = settingsInput({ origin: ECHO.origin });

beforeAll(async () => {
  lab = await openLabCluster();
  await cleanCluster(lab);
  issuers = await openSignIn(lab);
  await startEcho(lab.admin, NODE_IMAGE);
  stack = await openStack("cluster", { FIXTURE_KUBECONFIG: lab.adminKubeconfig }, "kubernetes");
});

afterAll(async () => {
  await stack?.remove();
  await cleanCluster(lab);
});

const wish = (people: readonly Row[], left: readonly Row[] = []) => ({ people, left, settings: SETTINGS });
const up = async (...args: Parameters<typeof wish>) => {
  const done = await stack.pulumi(["up", "--yes", "--skip-preview"], wish(...args));
  if (done.code !== 0) throw new Error(done.output);
  return done.output;
};

const uidOf = async (namespace: string) =>
  (await lab.admin("GET", `/api/v1/namespaces/${namespace}`)).body.metadata?.uid as string | undefined;
const dashboardToken = async (namespace: string) => {
  const { body } = await lab.admin("GET", `/api/v1/namespaces/${namespace}/secrets/dashboard-hanna-k8s-token`);
  return body.data === undefined ? undefined : Buffer.from(body.data.token, "base64").toString("utf8");
};
const identities = async () => {
  const { body } = await lab.admin("GET", `/api/v1/namespaces/${DASHBOARD}/secrets/token-injector-map-0`);
  return JSON.parse(Buffer.from(body.data["identities.json"], "base64").toString("utf8")) as Record<string, string>;
};
const mayList = async (email: string) =>
  (await lab.as(token(issuers.commandLine, email))("GET", "/api/v1/namespaces/hanna-one/pods")).status === 200;

let kept: string | undefined;
let formerToken = "";

test("a preview before the first run shows everything and makes nothing", async () => {
  const { code, output } = await stack.pulumi(["preview"], wish([ADMIN, HANNA]));
  expect({ code, output: code === 0 ? "" : output }).toEqual({ code: 0, output: "" });
  expect(output).toMatch(/tenant-hanna-one .*create/);
  expect(await uidOf("hanna-one")).toBeUndefined();
});

test("one run makes everything, and the injector's pods are ready with the real tokens", async () => {
  await up([ADMIN, HANNA]);
  kept = await uidOf("hanna-one");
  formerToken = (await dashboardToken("hanna-one")) ?? "";
  expect(Object.keys(await identities()).sort()).toEqual(["gandalf.login", "hanna.login"]);
  expect((await identities())["hanna.login"]).toBe(formerToken);
  const { body } = await lab.admin("GET", `/apis/apps/v1/namespaces/${DASHBOARD}/deployments/token-injector`);
  expect(body.status.readyReplicas).toBe(2);
  expect(await mayList("hanna@people.test")).toBe(true);
});

test("a second run changes nothing", async () => {
  const { code, output } = await stack.pulumi(["preview", "--diff", "--expect-no-changes"], wish([ADMIN, HANNA]));
  expect({ code, output: code === 0 ? "" : output }).toEqual({ code: 0, output: "" });
});

test("no token stands in the engine's state or in what it says", async () => {
  const { output } = await stack.pulumi(["preview", "--diff"], wish([ADMIN, HANNA]));
  const tokens = Object.values(await identities());
  const state = await stack.state();
  expect(
    tokens.filter((secret) =>
      [state, output].some((text) => text.includes(secret) || text.includes(Buffer.from(secret).toString("base64"))),
    ),
  ).toEqual([]);
});

test("who leaves loses every right, the token at once, and keeps the rooms and what is in them", async () => {
  const note = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "note" }, data: { of: "hanna" } };
  expect((await lab.admin("POST", "/api/v1/namespaces/hanna-one/configmaps", note)).status).toBe(201);
  await up([ADMIN], [HANNA]);
  expect(await uidOf("hanna-one")).toBe(kept);
  expect((await lab.admin("GET", "/api/v1/namespaces/hanna-one/configmaps/note")).body.data).toEqual({ of: "hanna" });
  expect((await lab.admin("GET", "/api/v1/namespaces/hanna-one/resourcequotas/quota")).status).toBe(200);
  expect(await mayList("hanna@people.test")).toBe(false);
  expect(Object.keys(await identities())).toEqual(["gandalf.login"]);
  expect((await lab.as(formerToken)("GET", "/api/v1/namespaces/hanna-one/pods")).status).toBe(401);
  const { body } = await lab.admin("GET", "/apis/rbac.authorization.k8s.io/v1/namespaces/hanna-one/rolebindings");
  const names = body.items.flatMap(({ subjects = [] }: { subjects?: { name: string }[] }) =>
    subjects.map(({ name }) => name),
  );
  expect(new Set(names)).toEqual(new Set([NOBODY]));
});

test("who comes back is in the same rooms, with a new token", async () => {
  await up([ADMIN, HANNA]);
  expect(await uidOf("hanna-one")).toBe(kept);
  expect((await lab.admin("GET", "/api/v1/namespaces/hanna-one/configmaps/note")).body.data).toEqual({ of: "hanna" });
  expect(await mayList("hanna@people.test")).toBe(true);
  const now = await dashboardToken("hanna-one");
  expect(now).not.toBe(formerToken);
  expect((await lab.as(now ?? "")("GET", "/api/v1/namespaces/hanna-two/pods")).status).toBe(200);
});

test("another e-mail is a change of rights: the old one is out and the new one in", async () => {
  const [name, tier, namespaces] = HANNA;
  await up([ADMIN, [name, tier, namespaces ?? [], { email: "hanna.new@people.test" }]]);
  expect([await mayList("hanna@people.test"), await mayList("hanna.new@people.test")]).toEqual([false, true]);
  expect(await uidOf("hanna-one")).toBe(kept);
});

test("a room that vanished from the program is not taken down: it is protected", async () => {
  const done = await stack.pulumi(["up", "--yes", "--skip-preview"], wish([ADMIN]));
  expect(done.code).not.toBe(0);
  expect(done.output).toMatch(/protect/);
  expect(await uidOf("hanna-one")).toBe(kept);
  expect((await lab.admin("GET", "/api/v1/namespaces/hanna-one/configmaps/note")).status).toBe(200);
});
