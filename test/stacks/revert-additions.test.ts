/** Additions by hand to objects that the state has, against an API server that lists them. */

import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { afterEach, expect, test, vi } from "vitest";
import { REVERTED_FROM } from "../../clients/kubernetes/additions.ts";
import type { HeldObject } from "../../stacks/objects-in-state.ts";
import { labelledObjects, revertAdditions } from "../../stacks/revert-additions.ts";
import { deployCluster } from "../../stacks/cluster.ts";
import { deploySite } from "../../stacks/stem95su.ts";
import { rawOf, settings } from "../config/raw-config.ts";
import { derived, rosterOf, row } from "../roster/support.ts";
import { type HttpsCluster, type Replied, startHttpsCluster } from "../cli/https-cluster.ts";

const RBAC = "/apis/rbac.authorization.k8s.io/v1";
const KINDS = [{ name: "rolebindings", kind: "RoleBinding", namespaced: true }];
const user = (name: string) => ({ kind: "User", name, apiGroup: "rbac.authorization.k8s.io" });

let cluster: HttpsCluster | undefined;
afterEach(async () => {
  vi.restoreAllMocks();
  await cluster?.stop();
});

const binding = (...names: readonly string[]) => ({
  metadata: { name: "owner", namespace: "books", resourceVersion: "7", annotations: {} },
  subjects: names.map(user),
});

/** @returns the annotations that `owner` is declared with, and what was said, where the lists answer so one after the other */
async function declared(
  pages: readonly Replied[],
  annotations: object = {},
  preview = false,
  former: readonly string[] = ["ana"],
) {
  const answers = [...pages];
  cluster = await startHttpsCluster((_, path) =>
    path === RBAC ? { body: { resources: KINDS } } : path.startsWith(`${RBAC}/`) ? answers.shift() : undefined,
  );
  const { kubeconfig, asked } = cluster;
  const said: string[] = [];
  for (const level of ["info", "warn"] as const)
    vi.spyOn(pulumi.log, level).mockImplementation(async (sentence) => void said.push(sentence));
  const inputs: { readonly metadata?: { readonly annotations?: object } }[] = [];
  const mocks = {
    call: () => ({}),
    newResource: ({ name, inputs: given }: { name: string; inputs: object }) => {
      inputs.push(given);
      return { id: name, state: given };
    },
  };
  await pulumi.runtime.setMocks(mocks, "workstation", "test", preview);
  const lastInputs = { subjects: former.map(user) };
  const held = {
    ...{ apiVersion: "rbac.authorization.k8s.io/v1", kind: "RoleBinding" },
    ...{ annotations: { ...annotations }, inputs: lastInputs },
  };
  const secret = { apiVersion: "v1", kind: "Secret", annotations: {}, inputs: undefined };
  const inState = new Map([
    [
      "books",
      new Map<string, HeldObject>([
        ["RoleBinding owner", held],
        ["Secret token", secret],
      ]),
    ],
  ]);
  const live = await labelledObjects(kubeconfig, inState);
  await pulumi.runtime.runInPulumiStack(async () => {
    revertAdditions(live, inState);
    new kubernetes.rbac.v1.RoleBinding("owner", {
      metadata: { name: "owner", namespace: "books" },
      roleRef: { kind: "ClusterRole", name: "admin", apiGroup: "rbac.authorization.k8s.io" },
      subjects: [user("ana")],
    });
    return {};
  });
  await pulumi.runtime.disconnect();
  return { annotations: inputs.find(({ metadata }) => metadata !== undefined)?.metadata?.annotations, said, asked };
}

const page = (items: readonly object[], next = ""): Replied => ({ body: { items, metadata: { continue: next } } });

test("a subject that somebody appended makes an update that takes it back, on whichever page it is", async () => {
  const { annotations, said, asked } = await declared([page([], "more"), page([binding("ana", "eve")])]);
  expect(annotations).toEqual({ "pulumi.com/patchForce": "true", [REVERTED_FROM]: "7" });
  expect(said).toEqual([
    expect.stringMatching(/^RoleBinding books\/owner: subjects has more in it than was deployed, added by hand or by/),
  ]);
  const lists = asked.filter((one) => one.includes("rolebindings"));
  expect(lists).toHaveLength(2);
  expect(lists[1]).toMatch(/labelSelector=app\.kubernetes\.io%2Fmanaged-by%3Dworkstation&limit=500&continue=more$/);
  expect(asked.filter((one) => one.includes("secrets"))).toEqual([]);
});

test("what is no longer declared since somebody left is no addition by hand", async () => {
  const { annotations, said } = await declared([page([binding("ana", "bob")])], {}, false, ["ana", "bob"]);
  expect([annotations, said]).toEqual([undefined, []]);
});

test("what a killed deployment wrote just as it is declared is no addition by hand", async () => {
  const asDeclared = {
    ...binding("ana"),
    roleRef: { kind: "ClusterRole", name: "admin", apiGroup: "rbac.authorization.k8s.io" },
  };
  const { annotations, said } = await declared([page([asDeclared])], {}, false, []);
  expect([annotations, said]).toEqual([undefined, []]);
  await cluster?.stop();
  expect((await declared([page([binding("eve")])], {}, false, [])).annotations).toMatchObject({ [REVERTED_FROM]: "7" });
});

test("an object whose label somebody took off is read by its name; one that is gone is not missed", async () => {
  const { annotations, asked } = await declared([page([]), { body: binding("ana", "eve") }]);
  expect(annotations).toMatchObject({ [REVERTED_FROM]: "7" });
  expect(asked.at(-1)).toBe(`GET ${RBAC}/namespaces/books/rolebindings/owner`);
  await cluster?.stop();
  expect((await declared([page([])])).said).toEqual([]);
});

test("an annotation that was set beforehand hides nothing", async () => {
  const { metadata, ...rest } = binding("ana", "eve");
  const forged = { ...rest, metadata: { ...metadata, annotations: { [REVERTED_FROM]: "7" } } };
  expect((await declared([page([forged])])).annotations).toMatchObject({ [REVERTED_FROM]: "7+" });
});

test("an object without additions is declared as it was, also after a former one was taken back", async () => {
  expect((await declared([page([binding("ana")])])).annotations).toBeUndefined();
  await cluster?.stop();
  const { annotations, said } = await declared([page([binding("ana")])], { [REVERTED_FROM]: "3" });
  expect([annotations, said]).toEqual([{ "pulumi.com/patchForce": "true", [REVERTED_FROM]: "3" }, []]);
});

test.each([403, 500])("a list that is refused with %i stops a deployment, and a preview says so", async (status) => {
  const refused = { status, body: { kind: "Status", code: status } };
  const unread = `What was added by hand to objects of the kind RoleBinding cannot be seen: ${RBAC}/rolebindings cannot be listed`;
  await expect(declared([refused, refused, refused, refused])).rejects.toThrow(unread);
  await cluster?.stop();
  const { annotations, said } = await declared([refused, refused, refused, refused], {}, true);
  expect(annotations).toBeUndefined();
  expect(said).toEqual([expect.stringContaining(unread)]);
});

const sectionOf = (name: string) => JSON.parse(rawOf("Pulumi.prod.yaml")[`workstation:${name}`] ?? "") as object;
const PROD = settings({ cluster: sectionOf("cluster"), stem95su: sectionOf("stem95su") });
const people = derived(
  rosterOf(
    row("ada", "email: ada@books.example", "admin") +
      row("bob", "email: bob@books.example\nnamespaces: [shop]", "namespace-owner"),
  ),
).desired;

interface Declared {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly annotations?: object };
}

async function whole(before: () => void): Promise<readonly Declared[]> {
  const { cluster: ofCluster, stem95su } = PROD;
  if (ofCluster === undefined || stem95su === undefined) throw new Error("the stack has no cluster or no site");
  const objects: Declared[] = [];
  const mocks = {
    call: () => ({}),
    newResource: ({ type, name, inputs }: { type: string; name: string; inputs: object }) => {
      if (type.startsWith("kubernetes:")) objects.push(inputs as Declared);
      return { id: name, state: inputs };
    },
  };
  await pulumi.runtime.setMocks(mocks, "workstation", "prod", true);
  await pulumi.runtime.runInPulumiStack(async () => {
    before();
    const { provider } = await deployCluster("none", people, { ...ofCluster, apiServer: undefined });
    deploySite(provider, stem95su);
    return {};
  });
  await pulumi.runtime.disconnect();
  return objects;
}

/** The object with one item more at the end of every list that has no keys. */
function withAdditions(value: unknown, key = ""): unknown {
  if (Array.isArray(value))
    return [...value.map((one) => withAdditions(one)), ...(WITH_KEYS.has(key) ? [] : ["added"])];
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, withAdditions(part, name)]));
}
const WITH_KEYS = new Set([
  "containers",
  "env",
  "volumes",
  "volumeMounts",
  "ports",
  "groups",
  "validationActions",
  "topologySpreadConstraints",
]);

test("no list of any object of the program escapes, whatever it is declared with", async () => {
  const objects = await whole(() => undefined);
  const byNamespace = <T>(part: (one: Declared) => T) => {
    const all = new Map<string, Map<string, T>>();
    for (const one of objects) {
      const { name, namespace = "" } = one.metadata;
      all.set(namespace, (all.get(namespace) ?? new Map()).set(`${one.kind} ${name}`, part(one)));
    }
    return all;
  };
  const held = byNamespace(({ apiVersion, kind }) => ({ apiVersion, kind, annotations: {}, inputs: undefined }));
  const live = byNamespace(({ metadata: { name, namespace = "" }, ...rest }) => {
    return {
      ...(withAdditions(rest) as object),
      metadata: { name, namespace, resourceVersion: "7", annotations: {} },
    };
  });
  vi.spyOn(pulumi.log, "warn").mockResolvedValue();
  const after = await whole(() => revertAdditions(live, held));
  const hasLists = ({ metadata: _, ...rest }: Declared) => JSON.stringify(withAdditions(rest)).includes('"added"');
  const missed = after.filter((one) => hasLists(one) && !(REVERTED_FROM in (one.metadata.annotations ?? {})));
  expect(missed.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual([]);
  expect(new Set(after.filter(hasLists).map(({ kind }) => kind)).size).toBeGreaterThan(10);
});
