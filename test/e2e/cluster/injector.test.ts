/** The token injector as pods of the lab's real cluster, spoken to in raw bytes. Network policies are not enforced there. */

import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { NODE_IMAGE } from "../../../lab/cluster/node-image.ts";
import { Injector } from "../../../components/cluster/injector/injector.ts";
import { deployCluster } from "../../../stacks/cluster.ts";
import { injectorProgram } from "../../../stacks/bundled-programs.ts";
import type { AuthentikUser, Person } from "../../../roster/model.ts";
import { INJECTOR_CASES, KNOWN } from "../../components/cluster/injector-cases.ts";
import { desired, person } from "../../components/cluster/people.ts";
import { get, sendRaw } from "../../components/cluster/raw-http.ts";
import { eventually } from "./api.ts";
import { DASHBOARD, settingsFor } from "./dashboard-settings.ts";
import { ECHO, forget, seen, startEcho } from "./echo.ts";
import { applied, cleanCluster, type LabCluster, openLabCluster } from "./lab-cluster.ts";

const NODE_PORT = 30_080;

/** Names of everything are plain; only the identity proxy's name is what the case is about. */
const owner = (identity: string, index: number): Person =>
  person(`t${index}`, "namespace-owner", [`tenant-${index}`], { authentikUser: identity as AuthentikUser });
const OWNERS = KNOWN.map(owner);
const ADMIN = person("wizard", "admin");
const accountOf = (identity: string) => {
  const index = OWNERS.findIndex(({ authentikUser }) => authentikUser === identity);
  return `system:serviceaccount:tenant-${index}:dashboard-t${index}-k8s`;
};

let lab: LabCluster;
let to: { host: string; port: number };

beforeAll(async () => {
  lab = await openLabCluster();
  await cleanCluster(lab);
  to = { host: lab.instance.address.lab, port: NODE_PORT };
  await startEcho(lab.admin, NODE_IMAGE);
  await deploy([ADMIN, ...OWNERS], { origin: ECHO.origin });
  await openNodePort();
  await rolledOut();
});

afterAll(() => cleanCluster(lab));

beforeEach(() => forget(lab.admin));

const deploy = (people: readonly Person[], backend: { origin: string; caPem?: string }) =>
  applied(lab.admin, () => deployCluster("{}", desired(people), settingsFor(backend)));

/** The lab has no ingress controller: the node's port stands for it. */
async function openNodePort(): Promise<void> {
  const service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "test-door", namespace: DASHBOARD },
    spec: {
      type: "NodePort",
      selector: { "app.kubernetes.io/name": "token-injector" },
      ports: [{ port: 80, targetPort: 8080, nodePort: NODE_PORT }],
    },
  };
  const path = `/api/v1/namespaces/${DASHBOARD}/services/test-door?fieldManager=test&force=true`;
  const { status } = await lab.admin("PATCH", path, service, "application/apply-patch+yaml");
  if (status > 201) throw new Error(`the door: ${status}`);
}

const deployment = async () =>
  (await lab.admin("GET", `/apis/apps/v1/namespaces/${DASHBOARD}/deployments/token-injector`)).body;

const injectorPods = async (): Promise<readonly { metadata: { name: string } }[]> =>
  (await lab.admin("GET", `/api/v1/namespaces/${DASHBOARD}/pods?labelSelector=app.kubernetes.io/name=token-injector`))
    .body.items;

/** The new pods serve and the old ones are gone. */
const rolledOut = () =>
  eventually(
    "the injector's pods",
    async () => {
      const { status, metadata, spec } = await deployment();
      const settled = status.observedGeneration >= metadata.generation && status.updatedReplicas === spec.replicas;
      const done =
        settled && status.availableReplicas === spec.replicas && (await injectorPods()).length === spec.replicas;
      return done || undefined;
    },
    120_000,
  );

/** Who a token speaks for, by what the API server wrote into it. */
const subjectOf = (authorization: string) =>
  JSON.parse(Buffer.from(authorization.replace("Bearer ", "").split(".")[1] ?? "", "base64url").toString("utf8")).sub;

const id = (name: string) => `X-authentik-username: ${name}`;
const OWN = "Origin: https://dashboard.test";
const handshake = (...more: readonly string[]) =>
  get(
    "/ws",
    OWN,
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Key: dGVzdA==",
    "Sec-WebSocket-Version: 13",
    ...more,
  );

describe("one request at a time", () => {
  test.each(INJECTOR_CASES)("$kind: $name", async ({ bytes, status, arrives }) => {
    const answer = await sendRaw(to, bytes, 400);
    const reached = await seen(lab.admin);
    expect(status).toContain(answer.status);
    expect(reached.map(({ authorization }) => authorization.map(subjectOf))).toEqual(
      arrives.map((who) => [accountOf(who)]),
    );
    const foreign = reached.flatMap(({ names }) =>
      names.filter((name) => /^(impersonate|x-remote|cookie|proxy-|x.authentik)/.test(name)),
    );
    expect(foreign).toEqual([]);
  });
});

test("a web socket echoes what is sent, as the map's identity", async () => {
  const answer = await sendRaw(to, [handshake(id("alice"), "Authorization: Bearer stolen"), "ping-1", "ping-2"], 800);
  expect(answer.status).toBe(101);
  expect(answer.text).toContain("ping-1ping-2");
  expect((await seen(lab.admin)).map(({ authorization }) => authorization.map(subjectOf))).toEqual([
    [accountOf("alice")],
  ]);
});

test("the pods run without privileges and hold no token that anybody can read off them", async () => {
  const pods = await injectorPods();
  const logs = await Promise.all(
    pods.map(({ metadata }) => lab.admin("GET", `/api/v1/namespaces/${DASHBOARD}/pods/${metadata.name}/log`)),
  );
  const maps = await lab.admin("GET", "/api/v1/configmaps");
  const events = await lab.admin("GET", `/api/v1/namespaces/${DASHBOARD}/events`);
  const secrets = await lab.admin("GET", `/api/v1/namespaces/${DASHBOARD}/secrets/token-injector-map-0`);
  const tokens: string[] = Object.values(
    JSON.parse(Buffer.from(secrets.body.data["identities.json"], "base64").toString()),
  );
  expect(tokens).toHaveLength(OWNERS.length + 1);
  const readable = JSON.stringify([pods, logs.map(({ body }) => body), maps.body, events.body, await deployment()]);
  expect(tokens.filter((token) => readable.includes(token))).toEqual([]);
  expect(logs.map(({ body }) => String(body)).join("")).toContain('"identity":"alice"');
});

test("a changed map rolls the pods, no request is lost on the way, and who left is out", {
  timeout: 180_000,
}, async () => {
  const gone = sendRaw(to, [handshake(id("bob"))], 120_000);
  const outcomes: number[] = [];
  let rolling = true;
  const client = async () => {
    while (rolling) outcomes.push((await sendRaw(to, quick("alice"), 10_000)).status);
  };
  const clients = [client(), client()];
  const before = (await injectorPods()).map(({ metadata }) => metadata.name);
  await deploy([ADMIN, ...OWNERS.filter(({ authentikUser }) => authentikUser !== "bob")], { origin: ECHO.origin });
  await rolledOut();
  rolling = false;
  await Promise.all(clients);
  const after = (await injectorPods()).map(({ metadata }) => metadata.name);
  expect(after.filter((name) => before.includes(name))).toEqual([]);
  expect(outcomes.length).toBeGreaterThan(100);
  expect(outcomes.filter((status) => status !== 200)).toEqual([]);
  expect((await gone).status).toBe(101);
  expect((await sendRaw(to, quick("bob"), 10_000)).status).toBe(403);
});

/** One request on a connection of its own. */
const quick = (who: string) => get("/_quiet", id(who), "Connection: close");

test("a broken map does not start: the old pods go on serving", { timeout: 120_000 }, async () => {
  const path = `/api/v1/namespaces/${DASHBOARD}/secrets/token-injector-map-0`;
  const { body: whole } = await lab.admin("GET", path);
  const patch = (object: object, at: string) => lab.admin("PATCH", at, object, "application/merge-patch+json");
  await patch({ data: { "identities.json": Buffer.from('{"alice": "tok').toString("base64") } }, path);
  const template = { spec: { template: { metadata: { annotations: { "workstation/digest": "broken" } } } } };
  await patch(template, `/apis/apps/v1/namespaces/${DASHBOARD}/deployments/token-injector`);
  const stuck = await eventually("a pod that does not start", async () =>
    (
      await lab.admin("GET", `/api/v1/namespaces/${DASHBOARD}/pods?labelSelector=app.kubernetes.io/name=token-injector`)
    ).body.items.find(
      (pod: { status: { containerStatuses?: { restartCount: number }[] } }) =>
        (pod.status.containerStatuses?.[0]?.restartCount ?? 0) > 0,
    ),
  );
  const { body: log } = await lab.admin(
    "GET",
    `/api/v1/namespaces/${DASHBOARD}/pods/${stuck.metadata.name}/log?previous=true`,
  );
  expect(JSON.stringify(log)).toContain("the map's identities-0.json is not JSON");
  expect((await deployment()).status.availableReplicas).toBe(2);
  expect((await sendRaw(to, quick("alice"), 10_000)).status).toBe(200);
  await patch({ data: whole.data }, path);
});

test("with the API server as the dashboard everybody arrives as their own account, and the admin as the admin", {
  timeout: 180_000,
}, async () => {
  await deploy([ADMIN, ...OWNERS], { origin: lab.server, caPem: readFileSync(lab.caFile, "utf8") });
  await rolledOut();
  const whoAmI = async (...lines: readonly string[]) => {
    const body = JSON.stringify({ apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" });
    const head = [
      "Content-Type: application/json",
      "Connection: close",
      OWN,
      `Content-Length: ${body.length}`,
      ...lines,
    ].join("\r\n");
    const bytes = `POST /apis/authentication.k8s.io/v1/selfsubjectreviews HTTP/1.1\r\nHost: d\r\n${head}\r\n\r\n${body}`;
    const { status, text } = await sendRaw(to, bytes, 10_000);
    return { status, username: /"username":"([^"]+)"/.exec(text)?.[1] };
  };
  for (const known of KNOWN) expect(await whoAmI(id(known))).toEqual({ status: 201, username: accountOf(known) });
  const admin = `system:serviceaccount:${DASHBOARD}:dashboard-admin`;
  expect(await whoAmI(id("wizard.login"))).toEqual({ status: 201, username: admin });
  expect(await whoAmI(id("bob"), "Impersonate-User: system:admin", "Impersonate-Group: system:masters")).toEqual({
    status: 201,
    username: accountOf("bob"),
  });
  expect(await whoAmI(id("mallory"))).toEqual({ status: 403, username: undefined });
});

test("a thousand identities are known, each with its own token, and nobody beside them", {
  timeout: 180_000,
}, async () => {
  const name = (i: number) => `person-${String(i).padStart(3, "0")}-${"x".repeat(100)}`;
  const tokenOf = (i: number) =>
    `header.${Buffer.from(JSON.stringify({ sub: `sub-${i}` })).toString("base64url")}.${"s".repeat(900)}`;
  const tokens = new Map(
    Array.from({ length: 1_000 }, (_, i) => [name(i) as AuthentikUser, pulumi.output(tokenOf(i))]),
  );
  const { dashboard } = settingsFor({ origin: ECHO.origin });
  if (dashboard === undefined) throw new Error("the settings have a dashboard");
  const { admitted: _a, browserOrigin: _o, sharedSecret: _s, backend, ingress, ...plain } = dashboard;
  const { tlsSecret: _t, ...ingressPath } = ingress;
  const origin = `https://${ingress.host}`;
  const args = {
    ...plain,
    origin,
    backend: { origin: backend.origin },
    program: injectorProgram(),
    tokens,
    ingressPath,
  };
  await applied(lab.admin, () => new Injector("token-injector", args));
  await rolledOut();
  for (const i of [0, 399, 400, 500, 999])
    expect((await sendRaw(to, get("/", id(name(i)), "Connection: close"), 10_000)).status).toBe(200);
  expect((await sendRaw(to, get("/", id(name(1_000)), "Connection: close"), 10_000)).status).toBe(403);
  const subjects = (await seen(lab.admin)).map(({ authorization }) => authorization.map(subjectOf));
  expect(subjects).toEqual([["sub-0"], ["sub-399"], ["sub-400"], ["sub-500"], ["sub-999"]]);
});
