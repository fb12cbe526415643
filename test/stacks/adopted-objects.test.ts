/** An adoption names the programs that keep an object, and refuses an object that is being deleted. */

import * as pulumi from "@pulumi/pulumi";
import { beforeEach, expect, test, vi } from "vitest";
import { takeOver } from "../../stacks/import-adopted.ts";
import * as liveObject from "../../stacks/live-object.ts";

vi.mock("../../stacks/live-object.ts", async (original) => ({
  ...(await original<typeof liveObject>()),
  liveObjects: vi.fn(),
}));
vi.mock("@pulumi/pulumi", async (original) => {
  const real = await original<typeof pulumi>();
  return {
    ...real,
    // A failed output rejects several promises, of which a test can await only one.
    output: (value: unknown) => ({ apply: (next: (value: unknown) => unknown) => next(value) }),
    log: { ...real.log, info: vi.fn(), warn: vi.fn() },
    runtime: { ...real.runtime, isDryRun: () => true, registerStackTransformation: vi.fn() },
  };
});

const TYPE = "kubernetes:core/v1:Namespace";
const PATCH_FORCE = { "pulumi.com/patchForce": "true" };
const deletionTimestamp = "2026-01-02T03:04:05Z";

beforeEach(() => vi.clearAllMocks());

/** Declares the Namespace `books` of the adoption file, which is in the cluster as given. @returns the warnings */
async function adopt(metadata: object): Promise<readonly string[]> {
  const value = { metadata: { name: "books", ...metadata } };
  vi.mocked(liveObject.liveObjects).mockReturnValue(async () => ({ status: 200, value, patch: async () => 200 }));
  takeOver([{ type: TYPE, name: "tenant-books", id: "books" }], "a kubeconfig");
  const [[transform] = []] = vi.mocked(pulumi.runtime.registerStackTransformation).mock.calls;
  const props = { apiVersion: "v1", kind: "Namespace", metadata: { name: "books" } };
  const done = transform?.({ type: TYPE, name: "tenant-books", props, opts: {}, resource: {} as pulumi.Resource });
  await done?.props.metadata;
  return vi.mocked(pulumi.log.warn).mock.calls.map(([message]) => message);
}

test("each program that keeps an adopted object is named", async () => {
  expect(await adopt({ annotations: { "meta.helm.sh/release-name": "tenants" } })).toEqual([
    expect.stringMatching(/^Namespace books: still kept by the Helm release tenants, which puts it back/),
  ]);
});

test("an object that is being deleted is refused with its name and the reason", async () => {
  await expect(adopt({ deletionTimestamp })).rejects.toThrow(
    `Namespace books: is being deleted since ${deletionTimestamp}, so it is not taken over`,
  );
});

test("an object that is deleted after its adoption does not stop deployments, and so no offboarding", async () => {
  expect(await adopt({ deletionTimestamp, annotations: PATCH_FORCE })).toEqual([]);
});
