/**
 * Tests the comparison of existing objects with those that the program would declare: an object is taken over, differs
 * or is in conflict, and an unread answer ends the import.
 */

import { expect, test } from "vitest";
import { readState } from "../../../cli/stack/deployed-resources.ts";
import { findExisting } from "../../../cli/import/existing-resources.ts";
import { initialLedger } from "../../../cli/import/initial-ledger.ts";
import { loadLedger } from "../../../roster/ledger.ts";
import { Refusal } from "../../../config/refusal.ts";
import type { DesiredResource } from "../../../stacks/offline/record-resources.ts";
import { DEFAULT_POLICY } from "../../../roster/policy-defaults.ts";
import { derived, rosterOf, row } from "../../roster/support.ts";

const binding = (role: string) => ({
  metadata: { name: "owner", namespace: "books" },
  roleRef: { kind: "ClusterRole", name: role },
  subjects: [{ kind: "User", name: "ada@example.org" }],
});
const declared: readonly DesiredResource[] = [
  { type: "workstation:cluster:TierRights", name: "rights", inputs: {} },
  {
    type: "kubernetes:core/v1:Namespace",
    name: "tenant-books",
    inputs: { metadata: { name: "books", labels: { a: "b" } } },
  },
  { type: "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding", name: "tenant-books-owner", inputs: binding("admin") },
  {
    type: "kubernetes:core/v1:Secret",
    name: "tenant-books-token",
    inputs: { metadata: { name: "t", namespace: "books" } },
  },
  {
    type: "kubernetes:networking.k8s.io/v1:NetworkPolicy",
    name: "wall",
    inputs: { metadata: { name: "w", namespace: "books" } },
  },
];
/** The kinds that this API server knows, by the path of their group. */
const KINDS: Readonly<Record<string, object>> = {
  "/api/v1": {
    resources: [
      { name: "namespaces", kind: "Namespace", namespaced: false },
      { name: "secrets", kind: "Secret", namespaced: true },
    ],
  },
  "/apis/rbac.authorization.k8s.io/v1": {
    resources: [{ name: "rolebindings", kind: "RoleBinding", namespaced: true }],
  },
};
const answers = (held: Readonly<Record<string, object | number>>) => async (_: string, path: string) => {
  const found = held[path] ?? KINDS[path] ?? 404;
  return typeof found === "number" ? { status: found, value: {} } : { status: 200, value: found };
};
/** Of a stack that never ran. */
const EMPTY = readState({ version: 3, deployment: {} });
const BOOKS = "/api/v1/namespaces/books";
const OWNER = "/apis/rbac.authorization.k8s.io/v1/namespaces/books/rolebindings/owner";

test("what is there is taken over under its own id; how it differs is said, and nothing of what the wish does not speak of", async () => {
  const live = { metadata: { name: "books", uid: "1", labels: { team: "x" } }, spec: { finalizers: ["kubernetes"] } };
  const found = await findExisting(declared, { cluster: answers({ [BOOKS]: live, [OWNER]: binding("admin") }) }, EMPTY);
  expect(found).toEqual({
    adopt: [
      { type: "kubernetes:core/v1:Namespace", name: "tenant-books", id: "books" },
      { type: "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding", name: "tenant-books-owner", id: "books/owner" },
    ],
    differences: [
      "Namespace books: metadata.labels.a: is not set, and b is wanted",
      "Namespace books: records no owners, so the declared fields become the program's",
      "Namespace books: metadata.labels.team: kept",
      "RoleBinding books/owner: records no owners, so the declared fields become the program's",
    ],
    keepers: [],
    clashes: [],
    held: [],
  });
});

test("fields that somebody else owns are named with their owner, and so are labels that stay theirs", async () => {
  const labels = { "f:a": {}, "f:team": {} };
  const managedFields = [
    {
      manager: "kubectl-create",
      operation: "Update",
      apiVersion: "v1",
      fieldsV1: { "f:metadata": { "f:labels": labels } },
    },
  ];
  const live = { metadata: { name: "books", labels: { a: "b", team: "x" }, managedFields } };
  const found = await findExisting(declared.slice(0, 2), { cluster: answers({ [BOOKS]: live }) }, EMPTY);
  expect(found.differences).toEqual([
    "Namespace books: metadata.labels.a: taken over from kubectl-create",
    "Namespace books: metadata.labels.team: kept as kubectl-create set it",
  ]);
});

test("another program that keeps an adopted object is named with the object", async () => {
  const annotations = { "meta.helm.sh/release-name": "rights", "meta.helm.sh/release-namespace": "books" };
  const live = { ...binding("admin"), metadata: { ...binding("admin").metadata, annotations } };
  const { adopt, keepers, clashes } = await findExisting(declared, { cluster: answers({ [OWNER]: live }) }, EMPTY);
  expect([adopt.map(({ id }) => id), clashes]).toEqual([["books/owner"], []]);
  expect(keepers).toEqual([
    expect.stringMatching(
      /^RoleBinding books\/owner: still kept by the Helm release rights in books, which puts it back/,
    ),
  ]);
});

test("an object that is being deleted is not taken over: it is named with the reason", async () => {
  const deletionTimestamp = "2026-01-02T03:04:05Z";
  const namespace = { metadata: { name: "books", deletionTimestamp }, status: { phase: "Terminating" } };
  const found = await findExisting(declared.slice(0, 2), { cluster: answers({ [BOOKS]: namespace }) }, EMPTY);
  expect(found).toEqual({
    ...{ adopt: [], differences: [], keepers: [], held: [] },
    clashes: [
      `Namespace books: is being deleted since ${deletionTimestamp}, so it is not taken over; wait until it is gone, ` +
        "and make the adoption file again",
    ],
  });
});

test("what would have to be deleted to become ours is not taken over: a hand has to move it", async () => {
  const held = { [OWNER]: binding("view"), [`${BOOKS}/secrets/t`]: { metadata: {} } };
  const { adopt, clashes } = await findExisting(declared, { cluster: answers(held) }, EMPTY);
  expect(adopt).toEqual([]);
  expect(clashes).toEqual([
    "RoleBinding books/owner: binds another role, which cannot be changed in place; give it another name first " +
      "(roleRef.name: is view, and admin is wanted)",
    "Secret books/t: is there and not the program's; move it away, or keep its name free",
  ]);
});

test("what the stack's state has is not taken over and in nobody's way", async () => {
  const inState = (type: string, name: string, id: string) => {
    return { urn: `urn:pulumi:prod::workstation::workstation:cluster:Tenant$${type}::${name}`, custom: true, type, id };
  };
  const [, , { type, name } = { type: "", name: "" }] = declared;
  const state = readState({
    deployment: {
      resources: [
        inState("kubernetes:core/v1:Secret", "tenant-books-token", "books/t"),
        { ...inState(type, name, "books/owner"), delete: true },
      ],
    },
  });
  const live = { [`${BOOKS}/secrets/t`]: { metadata: {} }, [OWNER]: binding("admin") };
  const { adopt, clashes, held } = await findExisting(declared, { cluster: answers(live) }, state);
  expect([adopt.map(({ id }) => id), clashes, held.map(({ id }) => id)]).toEqual([["books/owner"], [], ["books/t"]]);
});

test.each([[[]], [{ deployment: { resources: [{ type: "no-urn" }] } }]])(
  "what is no state of the engine is refused with a sentence: %j",
  (exported) => {
    expect(() => readState(exported)).toThrow(Refusal);
    expect(() => readState(exported)).toThrow("`pulumi stack export` answered in a form");
  },
);

test("a Deployment with another selector would have to be deleted, too", async () => {
  const app = (name: string) => ({ spec: { selector: { matchLabels: { app: name } } } });
  const metadata = { name: "web", namespace: "books" };
  const wanted = [{ type: "kubernetes:apps/v1:Deployment", name: "web", inputs: { metadata, ...app("web") } }];
  const apps = { resources: [{ name: "deployments", kind: "Deployment", namespaced: true }] };
  const held = { "/apis/apps/v1": apps, "/apis/apps/v1/namespaces/books/deployments/web": { metadata, ...app("old") } };
  const { adopt, clashes } = await findExisting(wanted, { cluster: answers(held) }, EMPTY);
  expect([adopt, clashes]).toEqual([
    [],
    [
      "Deployment books/web: differs in what cannot be changed in place; delete it or give it another name first " +
        "(spec.selector.matchLabels.app: is old, and web is wanted)",
    ],
  ]);
});

test.each([403, 500, 503])(
  "an answer with status %i ends the import and is never taken for absence",
  async (status) => {
    await expect(findExisting(declared, { cluster: answers({ [BOOKS]: status }) }, EMPTY)).rejects.toThrow(
      `the cluster: ${BOOKS} cannot be read (status ${status})`,
    );
  },
);

test("a group of kinds that the cluster does not list ends the import", async () => {
  await expect(findExisting(declared, { cluster: answers({ "/api/v1": 503 }) }, EMPTY)).rejects.toThrow(
    "the cluster does not list its kinds of v1 (status 503)",
  );
});

test("uids and ports are kept as they are held; who has no port yet gets one that nobody holds", () => {
  const { desired } = derived(rosterOf(row("ada"), row("bob")));
  const held = (osUser: string, uid: number, ports: object) => ({ osUser, host: "devvm", uid, ports, fields: [] });
  const people = [held("ada", 1042, { t3: 3790 }), held("bob", 1007, { browser: 8931 })];
  const { text, fresh } = initialLedger(desired, people, DEFAULT_POLICY.ports);
  const loaded = loadLedger(text, "ledger.json");
  expect(loaded.ok && [...loaded.ledger.people].map(([who, { uid, ports }]) => [who, uid, ports])).toEqual([
    ["ada", 1042, { t3: 3790, browser: 8932 }],
    ["bob", 1007, { t3: 3773, browser: 8931 }],
  ]);
  expect(fresh).toEqual([
    "ada: had no port of the browser yet, and gets 8932",
    "bob: had no port of the code server yet, and gets 3773",
  ]);
  const narrow = { ...DEFAULT_POLICY.ports, browser: { first: 8931, last: 8931 } };
  expect(() => initialLedger(desired, people, narrow)).toThrow(
    "ada: no port of the browser is free between 8931 and 8931; widen workstation:ports.browser",
  );
});
