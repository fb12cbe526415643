/** Tests the `kubernetes` plugin, emulated or official, driven by the real engine against a real API server with its controllers. */
import { rm } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ensureCertificates } from "../../lab/cluster/certificates.ts";
import { startControlPlane } from "../../lab/cluster/control-plane.ts";
import { writeKubeconfig } from "../../lab/cluster/kubeconfig.ts";
import { closeNetwork, openInstance } from "../../lab/instance.ts";
import type { Instance } from "../../lab/instance.ts";
import { PARTS } from "../../lab/parts.ts";
import { askedKind } from "../../lab/plugins/kind.ts";
import { stopServers } from "../../lab/process/stop.ts";
import { run } from "../../lab/run.ts";
import { openToolchain } from "../../lab/toolchain/index.ts";
import { KUBERNETES_PLUGIN_VERSION } from "../../lab/toolchain/tools.ts";
import { openStack } from "./plugins/stack.ts";
import type { Done, FixtureStack } from "./plugins/stack.ts";

/** The plugin creates by server-side apply before 4.29.0, so an object that exists becomes the program's. */
const takesExistingObjects = askedKind() === "official" && KUBERNETES_PLUGIN_VERSION === "4.25.0";

let lab: Instance;
let stack: FixtureStack;
let kubectl: (...args: readonly string[]) => Promise<string>;

beforeAll(async () => {
  lab = await openInstance("t-plugins");
  const tools = openToolchain(["etcd", "kubernetes"]);
  const certificates = await ensureCertificates(lab);
  const { server } = await startControlPlane(lab, tools, certificates);
  const admin = await writeKubeconfig(lab.path("admin.kubeconfig"), server, certificates, { client: "admin" });
  const program = (await tools.get("kubernetes")).file("kubectl");
  kubectl = async (...args) => (await run([program, "--kubeconfig", admin, ...args], { timeoutMs: 120_000 })).stdout;
  stack = await openStack("plugin-kubernetes", { FIXTURE_KUBECONFIG: admin });
});

afterAll(async () => {
  await stack.remove();
  await stopServers(lab);
  for (const part of PARTS) await part.clean?.(lab);
  await closeNetwork(lab);
  await rm(lab.dir, { recursive: true });
});

const up = (wish: object): Promise<Done> => stack.pulumi(["up", "--skip-preview", "--diff"], wish);
const canary = "canary-77ad-in-secret";
const first = { namespace: "d-one", label: "emo", data: "a", secret: canary };

test("a first preview asks the server and changes nothing, though the namespace is yet to come", async () => {
  const done = await stack.pulumi(["preview"], first);
  expect(done.output).toMatch(/7 to create/);
  expect(await kubectl("get", "namespaces", "--output=name")).not.toContain("d-one");
});

test("an update creates everything, a second one changes nothing, and a Secret's data is nowhere in the clear", async () => {
  const done = await up(first);
  expect(done.output).toMatch(/7 created/);
  expect((await up(first)).output).toMatch(/7 unchanged/);
  const state = await stack.state();
  expect(state).not.toContain(canary);
  expect(state).not.toContain(Buffer.from(canary).toString("base64"));
  expect(done.output).not.toContain(canary);
});

test("a refresh finds drift, and the next update names the field and repairs it, leaving what others added", async () => {
  await kubectl("label", "namespace", "d-one", "foreign=yes");
  await kubectl(
    "label",
    "namespace",
    "d-one",
    "lab.example/owner=stranger",
    "--overwrite",
    "--field-manager=pulumi-test",
  );
  expect((await stack.pulumi(["refresh", "--yes"], first)).output).toMatch(/1 updated/);
  const preview = await stack.pulumi(["preview", "--diff"], first);
  expect(preview.output).toMatch(/~ lab\.example\/owner: "stranger" => "emo"/);
  const conflict = await up(first);
  expect(conflict.output).toContain("Server-Side Apply field conflict detected");
  expect(conflict.output).toContain('conflict with "pulumi-test"');
  await kubectl("label", "namespace", "d-one", "lab.example/owner=emo", "--overwrite");
  await stack.pulumi(["refresh", "--yes"], first);
  expect(await kubectl("get", "namespace", "d-one", "--output=jsonpath={.metadata.labels.foreign}")).toBe("yes");
});

test("an update makes what kubectl wrote its own, and so removes it where the program does not state it", async () => {
  expect((await up({ ...first, label: "zoe" })).output).toMatch(/1 updated/);
  expect((await up(first)).output).toMatch(/1 updated/);
  expect(await kubectl("get", "namespace", "d-one", "--output=jsonpath={.metadata.labels.foreign}")).toBe("");
});

test("an update leaves what other programs wrote", async () => {
  await kubectl("label", "namespace", "d-one", "foreign=yes", "--field-manager=helm");
  expect((await up({ ...first, label: "zoe" })).output).toMatch(/1 updated/);
  expect((await up(first)).output).toMatch(/1 updated/);
  expect(await kubectl("get", "namespace", "d-one", "--output=jsonpath={.metadata.labels.foreign}")).toBe("yes");
});

test("fields that cannot change replace the object; the others change in place", async () => {
  const before = await kubectl("get", "namespace", "d-one", "--output=jsonpath={.metadata.uid}");
  const done = await up({ ...first, data: "b", role: "edit", secret: "second" });
  expect(done.output).toMatch(/1 updated/);
  expect(done.output).toMatch(/2 replaced/);
  expect(await kubectl("--namespace=d-one", "get", "rolebinding", "owner", "--output=jsonpath={.roleRef.name}")).toBe(
    "edit",
  );
  expect(await kubectl("get", "namespace", "d-one", "--output=jsonpath={.metadata.uid}")).toBe(before);
});

test("a change of an object that somebody deleted fails in the preview too, until a refresh", async () => {
  await kubectl("--namespace=d-one", "delete", "configmap", "--all");
  const changed = { ...first, data: "c", role: "edit", secret: "second" };
  const preview = await stack.pulumi(["preview"], changed);
  expect(preview.code).not.toBe(0);
  expect(preview.output).toMatch(/notes-[0-9a-f]+"? not found/);
  const again = await stack.pulumi(["up", "--skip-preview", "--refresh"], { ...changed, data: "b" });
  expect(again.output).toMatch(/1 created/);
});

test.skipIf(takesExistingObjects)("an object that exists already is not taken over", async () => {
  await kubectl("--namespace=d-one", "create", "configmap", "small-0", "--from-literal=mine=yes");
  const done = await up({ ...first, data: "b", role: "edit", secret: "second", many: 1 });
  expect(done.code).not.toBe(0);
  expect(done.output).toMatch(/resource .*small-0.* was not successfully created/);
  expect(done.output).toContain('configmaps "small-0" already exists');
  expect(await kubectl("--namespace=d-one", "get", "configmap", "small-0", "--output=jsonpath={.data}")).toBe(
    '{"mine":"yes"}',
  );
});

test("destroying waits until everything is gone, and what is gone already is no error", async () => {
  await kubectl("--namespace=d-one", "delete", "configmap", "--all");
  const done = await stack.pulumi(["destroy", "--skip-preview"]);
  expect(done.code).toBe(0);
  expect(await kubectl("get", "namespaces", "--output=name")).not.toContain("d-one");
});

test("a cluster that does not answer fails a refresh, with its address, and drops nothing from the state", async () => {
  await up({ namespace: "d-two" });
  const before = (await stack.state()).match(/"urn":/g)?.length;
  await stopServers(lab);
  const done = await stack.pulumi(["refresh", "--skip-preview"]);
  expect(done.code).not.toBe(0);
  expect(done.output).toMatch(
    /configured Kubernetes cluster is unreachable: .*https:\/\/\S+: .*(ECONNREFUSED|connection refused)/,
  );
  expect((await stack.state()).match(/"urn":/g)?.length).toBe(before);
});
