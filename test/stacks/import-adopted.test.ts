/**
 * Adopted objects against an API server that answers as told: whose fields become the program's, how often, who keeps them
 * too, and what is refused.
 */

import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { afterEach, expect, test, vi } from "vitest";
import { takeOver } from "../../stacks/import-adopted.ts";
import type { ObjectsInState } from "../../stacks/objects-in-state.ts";
import { type HttpsCluster, type Replied, startHttpsCluster } from "../cli/https-cluster.ts";

const HELD = { apiVersion: "v1", kind: "ResourceQuota", annotations: {}, inputs: undefined };
const QUOTA = "/api/v1/namespaces/books/resourcequotas/quota";
const BINDING = "/apis/rbac.authorization.k8s.io/v1/namespaces/books/rolebindings/owner";
const ACCOUNT = "/api/v1/namespaces/books/serviceaccounts/deployer";
const DEPLOYMENT = "/apis/apps/v1/namespaces/books/deployments/web";
const namespaced = (name: string, kind: string) => ({ resources: [{ name, kind, namespaced: true }] });
const KINDS: Readonly<Record<string, object>> = {
  "/api/v1": {
    resources: [
      { name: "resourcequotas", kind: "ResourceQuota", namespaced: true },
      { name: "serviceaccounts", kind: "ServiceAccount", namespaced: true },
    ],
  },
  "/apis/rbac.authorization.k8s.io/v1": namespaced("rolebindings", "RoleBinding"),
  "/apis/apps/v1": namespaced("deployments", "Deployment"),
};
const FORCE = { "f:annotations": { "f:pulumi.com/patchForce": {} } };
const PODS = { "f:hard": { "f:pods": {} } };
const owner = (manager: string, operation: string, fieldsV1: object) => ({
  ...{ manager, operation, apiVersion: "v1", fieldsType: "FieldsV1", fieldsV1 },
});
const object = (name: string, managedFields: readonly object[], more: object = {}) => ({
  ...{ metadata: { name, namespace: "books", resourceVersion: "7", managedFields }, ...more },
});

const being = ({ metadata, ...rest }: ReturnType<typeof object>, more: object) => ({
  ...rest,
  metadata: { ...metadata, ...more },
});

/** What one run does with the adopted objects. */
interface Run {
  readonly preview?: boolean;
  readonly inState?: ObjectsInState;
  readonly adoption: Parameters<typeof takeOver>[0];
  declare(): pulumi.Resource;
  /** Answers of the API server by `METHOD path`, each one once, the last one always. */
  readonly answers: Readonly<Record<string, readonly Replied[]>>;
}

let cluster: HttpsCluster | undefined;
afterEach(async () => {
  vi.restoreAllMocks();
  await cluster?.stop();
});

async function run({ preview = false, inState = new Map(), adoption, declare, answers }: Run) {
  const left = new Map(Object.entries(answers).map(([asked, replies]) => [asked, [...replies]]));
  const patched: unknown[] = [];
  cluster = await startHttpsCluster((method, path, body) => {
    if (method === "PATCH") patched.push(body);
    const kinds = KINDS[path];
    if (kinds !== undefined) return { body: kinds };
    const replies = left.get(`${method} ${path}`) ?? [];
    return replies.length > 1 ? replies.shift() : replies[0];
  });
  const imports: unknown[] = [];
  const said: string[] = [];
  vi.spyOn(pulumi.log, "info").mockImplementation(async (sentence) => void said.push(sentence));
  const warned: string[] = [];
  vi.spyOn(pulumi.log, "warn").mockImplementation(async (sentence) => void warned.push(sentence));
  const mocks: pulumi.runtime.Mocks = {
    call: () => ({}),
    newResource: ({ name, inputs }) => ({ id: name, state: inputs as object }),
  };
  await pulumi.runtime.setMocks(mocks, "workstation", "test", preview);
  const { kubeconfig } = cluster;
  const metadata = await new Promise<Settling>((resolve, reject) => {
    void pulumi.runtime.runInPulumiStack(async () => {
      takeOver(adoption, kubeconfig, inState);
      // Sees what the transformation before it made; the registration of a resource that is refused would end the process.
      pulumi.runtime.registerStackTransformation(({ props, opts }) => {
        const { metadata } = props as { readonly metadata: Settling };
        for (const one of [metadata.isKnown, metadata.isSecret, metadata.allResources()]) one.catch(() => undefined);
        imports.push((opts as pulumi.CustomResourceOptions).import);
        resolve(metadata);
        return { props: { ...props, metadata: { name: "seen" } }, opts };
      });
      try {
        declare();
      } catch (cause) {
        reject(cause as Error);
      }
      return {};
    });
  });
  const made = await metadata.promise().then(
    (value) => ({ failed: undefined, value }),
    (cause: Error) => ({ failed: cause.message, value: undefined }),
  );
  const isPlain = made.failed === undefined && (await metadata.isKnown) && !(await metadata.isSecret);
  return { failed: made.failed, metadata: made.value, isPlain, said, warned, patched, imports, asked: cluster.asked };
}

/** What the SDK keeps of an output and does not publish. */
interface Settling {
  readonly isKnown: Promise<boolean>;
  readonly isSecret: Promise<boolean>;
  allResources(): Promise<unknown>;
  promise(): Promise<unknown>;
}

const adopt = (type: string, name: string, id: string) => [{ type: `kubernetes:${type}`, name, id }];
const adoptQuota = adopt("core/v1:ResourceQuota", "quota", "books/quota");
const quota = () =>
  new kubernetes.core.v1.ResourceQuota("quota", {
    metadata: { name: "quota", namespace: "books" },
    spec: { hard: { pods: "20" } },
  });
const OLD_PROGRAM = owner("pulumi-kubernetes-0ld0ld00", "Apply", { "f:metadata": FORCE, "f:spec": PODS });

test("takes fields from the program of a lost state, whose annotation is no sign of this one", async () => {
  const answers = {
    [`GET ${QUOTA}`]: [{ body: object("quota", [OLD_PROGRAM]) }],
    [`PATCH ${QUOTA}`]: [{ body: {} }],
  };
  const { failed, said, patched } = await run({ adoption: adoptQuota, declare: quota, answers });
  expect(failed).toBeUndefined();
  expect(said).toEqual([
    "ResourceQuota books/quota: metadata.annotations.pulumi.com/patchForce, spec.hard.pods: taken over from pulumi-kubernetes-0ld0ld00",
  ]);
  expect(patched).toMatchObject([
    { metadata: { resourceVersion: "7", managedFields: [{ manager: "pulumi-kubernetes", operation: "Update" }] } },
  ]);
});

test("takes an object over once: what the state holds stays with whoever edited it since, and is no obstacle", async () => {
  const edited = owner("kubectl-edit", "Update", { "f:spec": PODS });
  const deleted = being(object("quota", [OLD_PROGRAM, edited]), { deletionTimestamp: "2026-01-02T03:04:05Z" });
  const { failed, said, asked, metadata, imports } = await run({
    inState: new Map([["books", new Map([["ResourceQuota quota", HELD]])]]),
    adoption: adoptQuota,
    declare: quota,
    answers: { [`GET ${QUOTA}`]: [{ body: deleted }] },
  });
  expect([failed, said, asked]).toEqual([undefined, [], []]);
  expect(metadata).toMatchObject({ annotations: { "pulumi.com/patchForce": "true" } });
  expect(imports).toEqual([undefined]);
});

test("reads and works out again where the object is written in between, three times", async () => {
  const live = { body: object("quota", [owner("helm", "Update", { "f:spec": PODS })]) };
  const conflict = { status: 409, body: { kind: "Status", code: 409 } };
  const again = { [`GET ${QUOTA}`]: [live], [`PATCH ${QUOTA}`]: [conflict, conflict, { body: {} }] };
  const { failed, said, patched } = await run({ adoption: adoptQuota, declare: quota, answers: again });
  expect([failed, patched.length]).toEqual([undefined, 3]);
  expect(said).toEqual(["ResourceQuota books/quota: spec.hard.pods: taken over from helm"]);
  await cluster?.stop();
  const always = { [`GET ${QUOTA}`]: [live], [`PATCH ${QUOTA}`]: [conflict] };
  const lost = await run({ adoption: adoptQuota, declare: quota, answers: always });
  expect(lost.failed).toContain(
    "ResourceQuota books/quota: its fields cannot be taken over: the API server answered with status 409",
  );
});

test.each([429, 500, 503])("asks again where the API server answers with status %i", async (status) => {
  const live = { body: object("quota", [owner("helm", "Update", { "f:spec": PODS })]) };
  const answers = { [`GET ${QUOTA}`]: [{ status, body: {} }, live], [`PATCH ${QUOTA}`]: [{ body: {} }] };
  const { failed, said } = await run({ adoption: adoptQuota, declare: quota, answers });
  expect([failed, said]).toEqual([undefined, ["ResourceQuota books/quota: spec.hard.pods: taken over from helm"]]);
});

const binding = () =>
  new kubernetes.rbac.v1.RoleBinding("tenant-books-owner", {
    metadata: { name: "owner", namespace: "books" },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "admin" },
  });

test("refuses an id of another object than the declared one, before it is imported", async () => {
  const adoption = adopt("rbac.authorization.k8s.io/v1:RoleBinding", "tenant-books-owner", "novels/owner");
  const { failed } = await run({ adoption, declare: binding, answers: {} });
  expect(failed).toContain("RoleBinding books/owner is declared, but the adoption file has novels/owner for it");
  expect(failed).toContain("Run ./ws import again");
});

class Declared extends pulumi.CustomResource {
  constructor(type: string, props: pulumi.Inputs) {
    super(type, "one", props);
  }
}

test.each([
  ["vault:index/policy:Policy", { name: "namespace-owner-ada" }, "namespace-owner-ada"],
  ["vault:kubernetes/authBackendRole:AuthBackendRole", { backend: "k", roleName: "r" }, "auth/k/role/r"],
  ["forgejo:index:Collaborator", { owner: "o", repo: "r", login: "ada" }, "o/r/ada"],
  ["forgejo:index:BranchProtection", { owner: "o", repo: "r", branch: "main" }, "o/r/main"],
])("refuses an id of another %s than the declared one", async (type, props, id) => {
  const declaring = (adopted: string) => {
    const declare = () => new Declared(type, { ...props, metadata: pulumi.output({}) });
    return run({ adoption: [{ type, name: "one", id: adopted }], declare, answers: {} });
  };
  expect((await declaring(id)).failed).toBeUndefined();
  await cluster?.stop();
  await expect(declaring("guessed")).rejects.toThrow(`${id} is declared, but the adoption file has guessed for it`);
});

test.each([true, false])("refuses a binding of another role, which would be deleted (preview: %s)", async (preview) => {
  const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "view" };
  const { failed, patched } = await run({
    preview,
    adoption: adopt("rbac.authorization.k8s.io/v1:RoleBinding", "tenant-books-owner", "books/owner"),
    declare: binding,
    answers: { [`GET ${BINDING}`]: [{ body: object("owner", [], { roleRef }) }] },
  });
  expect(failed).toContain("RoleBinding books/owner cannot be adopted: its roleRef must be as the program declares it");
  expect(patched).toEqual([]);
});

test("a part that a preview does not know, or a secret, hides neither the owners nor the metadata", async () => {
  const later = pulumi.secret(pulumi.output(pulumi.unknown as unknown as string));
  const declare = () =>
    new kubernetes.apps.v1.Deployment("web", {
      metadata: { name: "web", namespace: "books" },
      spec: {
        selector: { matchLabels: { app: "web" } },
        template: { metadata: { annotations: { checksum: later } }, spec: { containers: [] } },
      },
    });
  const annotations = { "f:checksum": {}, "f:note": {} };
  const set = { "f:spec": { "f:template": { "f:metadata": { "f:annotations": annotations } } } };
  const { failed, said, metadata, isPlain } = await run({
    preview: true,
    adoption: adopt("apps/v1:Deployment", "web", "books/web"),
    declare,
    answers: {
      [`GET ${DEPLOYMENT}`]: [
        {
          body: object("web", [owner("helm", "Update", set)], { spec: { selector: { matchLabels: { app: "web" } } } }),
        },
      ],
    },
  });
  expect([failed, isPlain]).toEqual([undefined, true]);
  expect(said).toEqual(["Deployment books/web: spec.template.metadata.annotations.checksum: taken over from helm"]);
  expect(metadata).toEqual({
    name: "web",
    namespace: "books",
    annotations: { "pulumi.com/patchForce": "true" },
  });
});

test("names each program that keeps an object which is adopted", async () => {
  const kept = being(object("quota", []), { annotations: { "meta.helm.sh/release-name": "tenants" } });
  const { warned } = await run({
    preview: true,
    adoption: adoptQuota,
    declare: quota,
    answers: { [`GET ${QUOTA}`]: [{ body: kept }] },
  });
  expect(warned).toEqual([
    expect.stringMatching(/^ResourceQuota books\/quota: still kept by the Helm release tenants, which puts it back/),
  ]);
});

test("refuses an object that is being deleted, whoever annotated it", async () => {
  const annotations = { "pulumi.com/patchForce": "true" };
  const deleted = being(object("quota", []), { deletionTimestamp: "2026-01-02T03:04:05Z", annotations });
  const { failed, patched } = await run({
    adoption: adoptQuota,
    declare: quota,
    answers: { [`GET ${QUOTA}`]: [{ body: deleted }] },
  });
  expect(failed).toContain(
    "ResourceQuota books/quota: is being deleted since 2026-01-02T03:04:05Z, so it is not taken over",
  );
  expect(patched).toEqual([]);
});

test("what is named and does not exist is refused, and not imported: it went, or came back under another name", async () => {
  const { failed } = await run({ adoption: adoptQuota, declare: quota, answers: {} });
  expect(failed).toMatch(/^ResourceQuota books\/quota is in the adoption file, and does not exist\. Remove it/);
});

test("whoever holds a token of an adopted account is named as one who keeps it", async () => {
  const account = () =>
    new kubernetes.core.v1.ServiceAccount("account", { metadata: { name: "deployer", namespace: "books" } });
  const { failed, warned } = await run({
    adoption: adopt("core/v1:ServiceAccount", "account", "books/deployer"),
    declare: account,
    answers: { [`GET ${ACCOUNT}`]: [{ body: object("deployer", []) }], [`PATCH ${ACCOUNT}`]: [{ body: {} }] },
  });
  expect(failed).toBeUndefined();
  expect(warned).toEqual([
    expect.stringMatching(/^ServiceAccount books\/deployer: tokens that were issued for it stay valid/),
  ]);
});
