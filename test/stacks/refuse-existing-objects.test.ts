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
];

const HELD = { apiVersion: "v1", kind: "ResourceQuota", annotations: {} };

let cluster: HttpsCluster | undefined;
afterEach(async () => {
  vi.restoreAllMocks();
  await cluster?.stop();
});

/** @returns why the object may not be created, undefined where it may, and what was said */
async function creating(
  kind: "ResourceQuota" | "ConfigMap",
  live: Replied,
  preview: boolean,
  held: readonly string[] = [],
) {
  cluster = await startHttpsCluster((_, path) => (path === "/api/v1" ? { body: { resources: KINDS } } : live));
  const { kubeconfig } = cluster;
  const said: string[] = [];
  vi.spyOn(pulumi.log, "info").mockImplementation(async (sentence) => void said.push(sentence));
  const mocks = { call: () => ({}), newResource: ({ name }: { name: string }) => ({ id: name, state: {} }) };
  await pulumi.runtime.setMocks(mocks, "workstation", "test", preview);
  const { settled } = await new Promise<{ readonly settled: Promise<unknown> }>((resolve) => {
    void pulumi.runtime.runInPulumiStack(async () => {
      refuseExistingObjects(kubeconfig, new Map([["books", new Map(held.map((key) => [key, HELD]))]]));
      // Sees what the transformation before it made; the registration of a resource that is refused would end the process.
      pulumi.runtime.registerStackTransformation(({ props, opts }) => {
        const { metadata } = props as { readonly metadata: { promise(): Promise<unknown> } & Record<string, unknown> };
        for (const one of ["isKnown", "isSecret"]) (metadata[one] as Promise<unknown>).catch(() => undefined);
        (metadata as unknown as { allResources(): Promise<unknown> }).allResources().catch(() => undefined);
        resolve({ settled: metadata.promise() });
        return { props: { ...props, metadata: { name: "seen" } }, opts };
      });
      new kubernetes.core.v1[kind]("one", { metadata: { name: "one", namespace: "books" } });
      return {};
    });
  });
  const failed = await settled.then(
    () => undefined,
    (cause: Error) => cause.message,
  );
  return { failed, said, asked: cluster.asked };
}

const live = (metadata: object = {}): Replied => ({ body: { metadata: { name: "one", ...metadata } } });
const NONE: Replied = { status: 404, body: { kind: "Status", code: 404 } };
const ours = live({ labels: MANAGED });

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
    "one that is being deleted",
    "ResourceQuota",
    live({ deletionTimestamp: "2026-01-02T03:04:05Z" }),
    "It is being deleted",
  ],
] as const)("a deployment refuses %s, with what to do", async (_, kind, found, remedy) => {
  const { failed } = await creating(kind, found, false);
  expect(failed).toContain(`${kind} books/one exists already, and the stack does not have it. ${remedy}`);
});

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
