/** Which objects are not created: what exists, of any kind, unless a preview cannot know better. */

import { expect, test } from "vitest";
import { refusalOf } from "../../stacks/refuse-existing-objects.ts";

const QUOTA = { apiVersion: "v1", kind: "ResourceQuota", metadata: { name: "quota", namespace: "diana-one" } };
const OURS = { "app.kubernetes.io/managed-by": "workstation" };

/** A cluster that answers for one object, whatever kind it is. */
const clusterThat = (status: number, labels: object = {}) =>
  refusalOf(async (_method, path) => {
    const resources = [
      { name: "resourcequotas", kind: "ResourceQuota", namespaced: true },
      { name: "clusterroles", kind: "ClusterRole", namespaced: false },
    ];
    if (path === "/api/v1" || path === "/apis/rbac.authorization.k8s.io/v1")
      return { status: 200, value: { resources } };
    asked.push(path);
    return { status, value: { metadata: { labels } } };
  });
const asked: string[] = [];

test("an object that somebody made is refused by name, in a preview and in an update", async () => {
  const refusal = clusterThat(200);
  const said = /^ResourceQuota diana-one\/quota exists, and this stack did not make it: it is left as it is\. .*import/;
  expect(await refusal(QUOTA, true)).toMatch(said);
  expect(await refusal(QUOTA, false)).toMatch(said);
  expect(asked.at(-1)).toBe("/api/v1/namespaces/diana-one/resourcequotas/quota");
});

test("an object outside of namespaces is asked for without one", async () => {
  const role = { apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRole", metadata: { name: "tier" } };
  expect(await clusterThat(200)(role, false)).toMatch(/^ClusterRole tier exists/);
  expect(asked.at(-1)).toBe("/apis/rbac.authorization.k8s.io/v1/clusterroles/tier");
});

test("what a lost state has left is refused by the update; a preview cannot tell it from what is replaced", async () => {
  expect(await clusterThat(200, OURS)(QUOTA, true)).toBeUndefined();
  expect(await clusterThat(200, OURS)(QUOTA, false)).toMatch(/^ResourceQuota/);
});

test("nothing is refused where nothing is, and where the kind or the name is still to come", async () => {
  expect(await clusterThat(404)(QUOTA, false)).toBeUndefined();
  expect(await clusterThat(200)({ ...QUOTA, kind: "Unknown" }, false)).toBeUndefined();
  expect(await clusterThat(200)({ ...QUOTA, metadata: {} }, false)).toBeUndefined();
});

test("an answer that is none is an error; a preview's account may be without the right to read", async () => {
  await expect(clusterThat(500)(QUOTA, false)).rejects.toThrow("diana-one/quota with status 500");
  await expect(clusterThat(403)(QUOTA, false)).rejects.toThrow("status 403");
  expect(await clusterThat(403)(QUOTA, true)).toBeUndefined();
});
