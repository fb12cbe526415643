/** A client reports an object as absent only when the server itself says so: no redirect, page or foreign 404 counts. */

import { afterAll, expect, test } from "vitest";
import { z } from "zod";
import { type Forge, openForge } from "../../clients/forgejo/client.ts";
import { openKubernetes } from "../../clients/kubernetes/client.ts";
import { openVault } from "../../clients/vault/client.ts";
import { identities } from "../../clients/vault/identities.ts";
import { startHttpsCluster } from "../cli/https-cluster.ts";
import { type Reply, startHttpServer } from "./http-server.ts";

const PAGE = "<html><title>404 Not Found</title></html>";
const NOT_AN_ABSENCE: readonly (readonly [string, Reply])[] = [
  ["a page with status 404", { status: 404, body: PAGE }],
  ["a page with status 200", { status: 200, body: PAGE }],
  ["a redirect to where it would be found", { status: 307, body: "", headers: { location: "/elsewhere" } }],
  ["a permanent redirect", { status: 301, body: {}, headers: { location: "/elsewhere" } }],
  ["a failure", { status: 503, body: {} }],
  ["a refusal", { status: 403, body: { errors: ["permission denied"], message: "no" } }],
];

let reply: Reply = { status: 200, body: {} };
const server = await startHttpServer(() => reply);
const cluster = await startHttpsCluster(() => reply);
afterAll(() => Promise.all([server.stop(), cluster.stop()]));

const access = { timeoutMs: 2_000, pauseMs: 1 };
const vault = openVault({ address: server.address, token: "hvs.program", ...access });
const forge: Forge = openForge({ url: server.address, username: "ops", password: "swordfish", ...access });
const kubernetes = openKubernetes(cluster.kubeconfig);
const signal = AbortSignal.timeout(60_000);

const read = {
  vault: () => vault.find({ method: "GET", path: "sys/policies/acl/x", purpose: "read x" }, z.object({}), signal),
  "a list of Vault": () =>
    vault.find({ method: "LIST", path: "sys/policies/acl", purpose: "list" }, z.object({}), signal),
  forge: () => forge.find({ method: "GET", path: ["users", "x"], purpose: "read x" }, z.object({}), signal),
  kubernetes: async () => {
    const { status } = await kubernetes("GET", "/api/v1/namespaces/x");
    if (status !== 404 && status >= 400) throw new Error(`status ${status}`);
    return status === 404 ? undefined : {};
  },
} as const;

for (const [surface, find] of Object.entries(read)) {
  test.each(NOT_AN_ABSENCE)(`${surface}: %s is an error and no absence`, async (_, given) => {
    reply = given;
    // The API server answers with any JSON object that has status 200; the forge and Vault have forms of their own.
    await expect(find()).rejects.toThrow();
  });
}

test.each([
  ["vault", { status: 404, body: { errors: [] } }],
  ["forge", { status: 404, body: { message: "not found" } }],
  ["kubernetes", { status: 404, body: { kind: "Status", code: 404, reason: "NotFound" } }],
] as const)("%s: its own 404 is an absence", async (surface, own) => {
  reply = own;
  expect(await read[surface]()).toBeUndefined();
});

test("a kind that the API server does not know is absent, which it says in one plain sentence", async () => {
  reply = { status: 404, body: "404 page not found\n" };
  expect(await kubernetes("GET", "/apis/external-secrets.io/v1/clustersecretstores")).toMatchObject({ status: 404 });
});

test("credentials go nowhere else: a redirect is not followed", async () => {
  reply = { status: 302, body: "", headers: { location: `${server.address}/elsewhere` } };
  const before = server.asked.length;
  await expect(read.vault()).rejects.toThrow("status 302");
  await expect(read.forge()).rejects.toThrow("it is redirected");
  expect(server.asked.slice(before).filter((asked) => asked.includes("elsewhere"))).toEqual([]);
});

test.each([
  ["no YAML", "a: b: c: s3cret", "is not a kubeconfig"],
  ["an address without TLS", cluster.kubeconfig.replace("https://", "http://"), "an address with https://"],
])("a kubeconfig with %s is refused without repeating it", (_, text, why) => {
  expect(() => openKubernetes(text)).toThrow(why);
  expect(() => openKubernetes(text)).not.toThrow("s3cret");
});

test("Vault: a change of something that it says it does not have is an error", async () => {
  reply = { status: 404, body: { errors: ["no handler for route"] } };
  await expect(identities(vault, "oidc", signal).change("some-id", { disabled: true })).rejects.toThrow(
    "cannot change the entity some-id: Vault has nothing at",
  );
});

test("Vault: an entity without its list of policies, or without whether it is disabled, is an error", async () => {
  const entity = { id: "i", name: "n", disabled: false, policies: null, aliases: null };
  const read = (data: object) => {
    reply = { status: 200, body: { data } };
    return identities(vault, "oidc", signal).byId("i");
  };
  expect(await read(entity)).toMatchObject({ policies: [], aliases: [] });
  const { policies: _, ...listless } = entity;
  await expect(read(listless)).rejects.toThrow("at: data.policies");
  const { disabled: __, ...open } = entity;
  await expect(read(open)).rejects.toThrow("at: data.disabled");
});
