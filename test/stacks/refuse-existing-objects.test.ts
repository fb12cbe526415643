/** Objects that a run is about to create, against an API server that has them already. */

import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { afterEach, expect, test, vi } from "vitest";
import { MANAGED } from "../../components/cluster/labels.ts";
import { refuseExistingObjects } from "../../stacks/refuse-existing-objects.ts";
import { type HttpsCluster, type Replied, startHttpsCluster } from "../cli/https-cluster.ts";

const KINDS = [
  { name: "resourcequotas", kind: "ResourceQuota", namespaced: true },
  { name: "configmaps", kind: "ConfigMap", namespaced: true },
  { name: "serviceaccounts", kind: "ServiceAccount", namespaced: true },
  { name: "persistentvolumeclaims", kind: "PersistentVolumeClaim", namespaced: true },
];

const HELD = { apiVersion: "v1", kind: "ResourceQuota", annotations: {}, inputs: undefined };

let cluster: HttpsCluster | undefined;
afterEach(async () => {
  vi.restoreAllMocks();
  await cluster?.stop();
});

/** @returns why the object may not be created, undefined where it may, and what was said */
async function creating(
  kind: "ResourceQuota" | "ConfigMap" | "ServiceAccount" | "PersistentVolumeClaim",
  live: Replied,
  preview: boolean,
  held: readonly string[] = [],
  kinds: Replied = { body: { resources: KINDS } },
) {
  cluster = await startHttpsCluster((_, path) => (path === "/api/v1" ? kinds : live));
  const { kubeconfig } = cluster;
  const said: string[] = [];
  vi.spyOn(pulumi.log, "info").mockImplementation(async (sentence) => void said.push(sentence));
  const mocks = { call: () => ({}), newResource: ({ name }: { name: string }) => ({ id: name, state: {} }) };
  await pulumi.runtime.setMocks(mocks, "workstation", "test", preview);
  const { settled } = await new Promise<{ readonly settled: Promise<string | undefined> }>((resolve) => {
    void pulumi.runtime.runInPulumiStack(async () => {
      refuseExistingObjects(kubeconfig, new Map([["books", new Map(held.map((key) => [key, HELD]))]]));
      // Sees what the transformation before it made; the registration of a resource that is refused would end the process.
      pulumi.runtime.registerStackTransformation(({ type, name, props, opts }) => {
        const resource = { type, name, props: {}, opts: {}, custom: true };
        resolve({ settled: answerFor(props.metadata).then(() => importBy(opts.transforms ?? [], resource)) });
        return { props: { ...props, metadata: { name: "seen" } }, opts: {} };
      });
      new kubernetes.core.v1[kind]("one", { metadata: { name: "one", namespace: "books" } });
      return {};
    });
  });
  const { failed, imported } = await settled.then(
    (id) => ({ failed: undefined, imported: id }),
    (cause: Error) => ({ failed: cause.message, imported: undefined }),
  );
  return { failed, imported, said, asked: cluster.asked };
}

/** Fails where the object is refused; what the state holds is declared as it was. */
async function answerFor(metadata: unknown): Promise<void> {
  if (!pulumi.Output.isInstance(metadata)) return;
  const output = metadata as unknown as Readonly<Record<"isKnown" | "isSecret", Promise<unknown>>> & {
    promise(): Promise<unknown>;
    allResources(): Promise<unknown>;
  };
  for (const one of [output.isKnown, output.isSecret, output.allResources()]) one.catch(() => undefined);
  await output.promise();
}

/** @returns the id that the engine gets, which asks for each child of the resource as well */
async function importBy(
  transforms: readonly pulumi.ResourceTransform[],
  resource: pulumi.ResourceTransformArgs,
): Promise<string | undefined> {
  const [answers, ofChild] = await Promise.all(
    [resource, { ...resource, name: "child" }].map((one) => Promise.all(transforms.map((transform) => transform(one)))),
  );
  expect(ofChild?.flatMap((answer) => answer ?? [])).toEqual([]);
  const [id] = (answers ?? []).flatMap(
    (answer) => (answer?.opts as pulumi.CustomResourceOptions | undefined)?.import ?? [],
  );
  return id;
}

const live = (metadata: object = {}, kind = "ResourceQuota"): Replied => ({
  body: { apiVersion: "v1", kind, metadata: { name: "one", namespace: "books", ...metadata } },
});
const NONE: Replied = { status: 404, body: { kind: "Status", code: 404 } };
const byPlugin = (manager = "pulumi-kubernetes") => {
  return { labels: MANAGED, resourceVersion: "7", managedFields: [{ manager, operation: "Update", apiVersion: "v1" }] };
};
const ours = live(byPlugin());
const ourAccount = live(byPlugin(), "ServiceAccount");

test.each([true, false])(
  "what does not exist, and what the state holds, is created or changed (preview: %s)",
  async (preview) => {
    expect(await creating("ResourceQuota", NONE, preview)).toMatchObject({ failed: undefined, said: [] });
    await cluster?.stop();
    const held = await creating("ResourceQuota", live(), preview, ["ResourceQuota one"]);
    expect(held).toMatchObject({ failed: undefined, said: [], asked: [] });
  },
);

test.each([
  [
    "an object of somebody's",
    "ResourceQuota",
    live(),
    "Put it into the adoption file (type kubernetes:core/v1:ResourceQuota, name one, id books/one)",
  ],
  ["one with the program's labels, which anybody may set", "ResourceQuota", ours, "Put it into the adoption file"],
  ["one that no adoption takes", "ConfigMap", live(), "It cannot be adopted"],
  [
    "an account, whose tokens somebody may hold",
    "ServiceAccount",
    ours,
    "Delete it, and deploy again: another user may hold a token",
  ],
  [
    "one that is being deleted",
    "ResourceQuota",
    live({ deletionTimestamp: "2026-01-02T03:04:05Z" }),
    "It is being deleted",
  ],
] as const)("a deployment refuses %s, with what to do", async (_, kind, found, remedy) => {
  const { failed } = await creating(kind, found, false);
  expect(failed).toContain(`${kind} books/one exists already, and the stack does not have it. ${remedy}`);
});

test("nobody is told to delete what may hold somebody's work", async () => {
  const { failed } = await creating("PersistentVolumeClaim", live(), false);
  expect(failed).toContain("Put it into the adoption file");
  expect(failed).not.toContain("delete");
});

test("what an interrupted run made just as it is declared is taken into the state, by a deployment of a stack that has run", async () => {
  const held = ["ResourceQuota other"];
  const { failed, imported, said } = await creating("ResourceQuota", ours, false, held);
  expect([failed, imported, said]).toEqual([undefined, "books/one", [expect.stringContaining("interrupted")]]);
  await cluster?.stop();
  expect((await creating("ResourceQuota", ours, true, held)).imported).toBeUndefined();
});

test.each([
  ["without our labels", "ResourceQuota", live({ ...byPlugin(), labels: {} })],
  ["that differs", "ResourceQuota", live({ ...byPlugin(), namespace: "other" })],
  ["that is going", "ResourceQuota", live({ ...byPlugin(), deletionTimestamp: "2026-01-02T03:04:05Z" })],
  ["that another program wrote", "ResourceQuota", live(byPlugin("helm"))],
  ["that lets somebody in", "ServiceAccount", ourAccount],
] as const)("an object %s is taken for nobody's interrupted work", async (_, kind, found) => {
  const { failed, imported } = await creating(kind, found, false, ["ResourceQuota other"]);
  expect(failed).toContain("exists already, and the stack does not have it");
  expect(imported).toBeUndefined();
});

test.each([403, 503])(
  "a list of kinds that is answered with %i lets a preview go on, and ends a deployment with its sentence",
  async (status) => {
    const refused: Replied = { status, body: { kind: "Status", code: status } };
    const { failed, said } = await creating("ResourceQuota", NONE, true, [], refused);
    expect([failed, said]).toEqual([undefined, [expect.stringContaining("does not list its kinds of v1")]]);
    await cluster?.stop();
    const deployed = await creating("ResourceQuota", NONE, false, [], refused);
    expect(deployed.failed).toBe(`the cluster does not list its kinds of v1 (status ${status})`);
  },
  20_000,
);

test("a preview refuses what is somebody's, and goes on where a deployment that is not published may have made it", async () => {
  expect((await creating("ResourceQuota", live(), true)).failed).toContain("exists already");
  await cluster?.stop();
  const { failed, said } = await creating("ResourceQuota", ours, true);
  expect([failed, said]).toEqual([undefined, [expect.stringContaining("a deployment may have made it")]]);
});

test.each([403, 404, 500])(
  "where the API server answers with status %i, a preview goes on, and a deployment at an absence alone",
  async (status) => {
    const answer: Replied = { status, body: { kind: "Status", code: status } };
    expect((await creating("ResourceQuota", answer, true)).failed).toBeUndefined();
    await cluster?.stop();
    const { failed } = await creating("ResourceQuota", answer, false);
    expect(failed === undefined).toBe(status === 404);
  },
  20_000,
);
