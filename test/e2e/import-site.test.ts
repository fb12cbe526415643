/** Adoption of a site that was made by hand: its Service and its volume claim keep what the cluster chose for them. */

import { writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Setting } from "../../lab/pulumi/stack-config.ts";
import { everybody, without } from "./people/sample.ts";
import { freshStack, type PeopleStack } from "./people/stack.ts";

const SITE = "stem95su";
const rows = without(everybody, "emo", "ancamilea");
const site: Setting = [[SITE], { host: "stem95su.lab.example" }];

const CLAIM = {
  apiVersion: "v1",
  kind: "PersistentVolumeClaim",
  metadata: { name: "content", namespace: SITE },
  spec: { accessModes: ["ReadWriteOnce"], storageClassName: "by-hand", resources: { requests: { storage: "5Gi" } } },
};
const BY_HAND = [
  { apiVersion: "v1", kind: "Namespace", metadata: { name: SITE } },
  {
    ...{ apiVersion: "v1", kind: "Service", metadata: { name: "web", namespace: SITE } },
    spec: { type: "NodePort", selector: { app: "old" }, ports: [{ name: "http", port: 80, targetPort: 8080 }] },
  },
  {
    ...{ apiVersion: "v1", kind: "PersistentVolume", metadata: { name: "site-by-hand" } },
    spec: {
      ...{ accessModes: ["ReadWriteOnce"], capacity: { storage: "5Gi" }, storageClassName: "by-hand" },
      ...{ hostPath: { path: "/tmp/site-by-hand" }, persistentVolumeReclaimPolicy: "Retain" },
    },
  },
  CLAIM,
];

/** External Secrets' kind, as far as the program's object needs it. */
const EXTERNAL_SECRET = {
  ...{ apiVersion: "apiextensions.k8s.io/v1", kind: "CustomResourceDefinition" },
  metadata: { name: "externalsecrets.external-secrets.io" },
  spec: {
    ...{ group: "external-secrets.io", scope: "Namespaced" },
    names: { kind: "ExternalSecret", plural: "externalsecrets" },
    versions: [
      {
        ...{ name: "v1", served: true, storage: true },
        schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
      },
    ],
  },
};

let stack: PeopleStack;
let folder: string;

beforeAll(async () => {
  stack = await freshStack();
  folder = await mkdtemp(join(tmpdir(), "ws-import-site-"));
  const file = join(folder, "objects.json");
  writeFileSync(file, JSON.stringify({ apiVersion: "v1", kind: "List", items: [EXTERNAL_SECRET, ...BY_HAND] }));
  await stack.kubectl(["create", "--filename", file]);
  await stack.kubectl([
    ...["wait", "pvc/content", `--namespace=${SITE}`, "--for=jsonpath={.status.phase}=Bound", "--timeout=60s"],
  ]);
});
afterAll(async () => {
  await stack.kubectl(["delete", "namespace", SITE, "--ignore-not-found"]);
  await stack.kubectl(["delete", "persistentvolume", "site-by-hand", "--ignore-not-found"]);
  await stack.kubectl(["delete", "customresourcedefinition", EXTERNAL_SECRET.metadata.name, "--ignore-not-found"]);
  await rm(folder, { recursive: true });
});

/** What the cluster chose for the Service and the claim, and who they are. */
async function chosen(): Promise<readonly string[]> {
  const parts = {
    "service/web": "{.metadata.uid} {.spec.clusterIP} {.spec.ports[0].nodePort}",
    "pvc/content": "{.metadata.uid} {.spec.volumeName} {.spec.storageClassName}",
  };
  const asked = Object.entries(parts).map(([object, path]) =>
    stack.kubectl(["get", object, `--namespace=${SITE}`, `--output=jsonpath=${path}`]),
  );
  return (await Promise.all(asked)).map(({ stdout }) => stdout);
}

const up = async (...settings: readonly Setting[]) => {
  const { code, stdout, stderr } = await stack.up(rows, [site, ...settings]);
  if (code !== 0) throw new Error(`exit code ${code}\n${stdout}\n${stderr}`);
  return stdout;
};

test("a deployment that nobody told to adopt them names them, and changes nothing", async () => {
  const before = await chosen();
  const { code, stdout, stderr } = await stack.up(rows, [site]);
  expect(code).not.toBe(0);
  expect(stdout + stderr).toContain(`Namespace ${SITE} exists already`);
  expect(await chosen()).toEqual(before);
});

test("they are adopted as they are, lead to the program's pods from then on, and later runs change nothing", async () => {
  const before = await chosen();
  const resources = [
    { type: "kubernetes:core/v1:Namespace", name: SITE, id: SITE },
    { type: "kubernetes:core/v1:PersistentVolumeClaim", name: `${SITE}-content`, id: `${SITE}/content` },
    { type: "kubernetes:core/v1:Service", name: `${SITE}-web`, id: `${SITE}/web` },
  ];
  const file = join(folder, "adopt.json");
  writeFileSync(file, JSON.stringify({ version: 1, resources }));
  expect(await up([["adopt"], file])).toContain("= 3 imported");
  expect(await chosen()).toEqual(before);
  const selector = ["get", "service/web", `--namespace=${SITE}`, "--output=jsonpath={.spec.selector}"];
  expect(JSON.parse((await stack.kubectl(selector)).stdout)).toEqual({
    "app.kubernetes.io/component": "web",
    "app.kubernetes.io/name": SITE,
  });
  // The first run without the file takes the mark of the adoption off.
  await up();
  expect(await up()).not.toMatch(/[+~-] ?\d+ (created|updated|deleted|replaced)/);
  expect(await chosen()).toEqual(before);
});
