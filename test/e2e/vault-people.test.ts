/** One person's identity in Vault through all that may have happened before; and a Vault that refuses. Needs root. */
import { readFile } from "node:fs/promises";
import { beforeAll, expect, test } from "vitest";
import { startServer } from "../../lab/process/start.ts";
import { stopServer } from "../../lab/process/stop.ts";
import { openToolchain } from "../../lab/toolchain/index.ts";
import { labVault } from "../../lab/vault/api.ts";
import { vault as vaultSettings } from "../../config/settings/vault.ts";
import { readUserMap } from "../../config/vault-user-map.ts";
import type { Driven } from "./fixtures/resource-lifecycle.ts";
import { openVaultWorld, type VaultWorld } from "./fixtures/vault-fixture.ts";
import { email, type Kept, openProvider, PERSON, RUN, rights as rightsNow, wish } from "./fixtures/vault-person.ts";

let world: VaultWorld;
let provider: Driven;
let ca: string;

beforeAll(async () => {
  world = await openVaultWorld();
  ca = await readFile(world.program.settings.caCertFile, "utf8");
  provider = await openProvider(world, world.program.token);
});

const rights = (name: string) => rightsNow(world, name);
const entityOf = async (name: string) => {
  const { body } = await world.vault.ask("GET", `identity/entity/name/namespace-owner-${name}-${RUN}`);
  return (body as { data?: { id: string; aliases: { name: string }[]; policies: string[] } }).data;
};

test("somebody who signed in before they were on the roster is taken over as they are", async () => {
  const token = await world.signIn(email("early"));
  await provider.up(PERSON, wish("early"));
  expect(await rights("early")).toEqual([`namespace-owner-early-${RUN}`]);
  // The token from before is the same person's, and has the rights from now on.
  const { body } = await world.vault.ask("GET", "auth/token/lookup-self", undefined, `${token}`);
  expect((body as { data: { identity_policies: string[] } }).data.identity_policies).toEqual([
    `namespace-owner-early-${RUN}`,
  ]);
  expect((await entityOf("early"))?.aliases.map(({ name }) => name)).toEqual([email("early")]);
});

test("two people who swap their addresses in one run each sign in by the new one, and three who pass theirs on", async () => {
  const deliver = async (addresses: Readonly<Record<string, string>>, before: Readonly<Record<string, Kept>> = {}) => {
    const each = Object.entries(addresses).map(async ([who, address]) => {
      const { kept } = await provider.up(PERSON, wish(who, { alias: email(address) }), before[who]);
      return [who, kept] as const;
    });
    return Object.fromEntries(await Promise.all(each));
  };
  const first = await deliver({ ana: "ana", ben: "ben", cai: "cai" });
  const swapped = await deliver({ ana: "ben", ben: "ana", cai: "cai" }, first);
  expect(await rights("ben")).toEqual([`namespace-owner-ana-${RUN}`]);
  expect(await rights("ana")).toEqual([`namespace-owner-ben-${RUN}`]);
  const passedOn = await deliver({ ana: "cai", ben: "ben", cai: "ana" }, swapped);
  expect(await rights("cai")).toEqual([`namespace-owner-ana-${RUN}`]);
  expect(await rights("ben")).toEqual([`namespace-owner-ben-${RUN}`]);
  expect(await rights("ana")).toEqual([`namespace-owner-cai-${RUN}`]);
  for (const who of ["ana", "ben", "cai"]) expect((await entityOf(who))?.aliases).toHaveLength(1);
  await deliver({ ana: "ana", ben: "ben", cai: "cai" }, passedOn);
  for (const who of ["ana", "ben", "cai"]) expect(await rights(who)).toEqual([`namespace-owner-${who}-${RUN}`]);
});

test("somebody whose entity was made before and who then signed in by another address is one entity in the end", async () => {
  const { kept } = await provider.up(PERSON, wish("twofold", { alias: null }));
  await world.signIn(email("twofold"));
  await provider.up(PERSON, wish("twofold"), kept);
  expect(await rights("twofold")).toEqual([`namespace-owner-twofold-${RUN}`]);
});

test("an address that belongs to somebody else's entity is refused by name, and moves nothing", async () => {
  await provider.up(PERSON, wish("owner"));
  const thief = provider.up(PERSON, { ...wish("thief"), alias: email("owner") });
  await expect(thief).rejects.toThrow(new RegExp(`already signs in as the entity "namespace-owner-owner-${RUN}"`));
  expect(await rights("owner")).toEqual([`namespace-owner-owner-${RUN}`]);
});

test("the address of somebody who left is refused to somebody new whom the roster does not give it", async () => {
  const { kept } = await provider.up(PERSON, wish("former"));
  await provider.up(PERSON, wish("former", { state: "left", policies: [] }), kept);
  const heir = { ...wish("heir"), alias: email("former") };
  await expect(provider.up(PERSON, heir)).rejects.toThrow(/\(disabled\).*remove that alias/);
});

test("a rename takes the identity along", async () => {
  const { kept } = await provider.up(PERSON, wish("maiden"));
  const before = (await entityOf("maiden"))?.id;
  const renamed = { ...wish("married"), alias: email("maiden"), formerName: `namespace-owner-maiden-${RUN}` };
  await provider.up(PERSON, renamed, kept);
  expect((await entityOf("married"))?.id).toBe(before);
  // The old name's policy goes: somebody else may be called so one day.
  expect(await rights("maiden")).toEqual([`namespace-owner-married-${RUN}`]);
});

test("a new address takes the sign-in along, and the former one opens nothing, there and back", async () => {
  const policy = `namespace-owner-moving-${RUN}`;
  const { kept } = await provider.up(PERSON, wish("moving"));
  expect(await rights("moving")).toEqual([policy]);
  const moved = await provider.up(PERSON, wish("moving", { alias: email("moved") }), kept);
  expect([await rights("moved"), await rights("moving")]).toEqual([[policy], []]);
  expect((await entityOf("moving"))?.aliases.map(({ name }) => name)).toEqual([email("moved")]);
  // The sign-in above gave the former address an entity of its own.
  const back = await provider.up(PERSON, wish("moving"), moved.kept);
  expect([await rights("moving"), await rights("moved")]).toEqual([[policy], []]);
  await provider.up(PERSON, wish("moving", { alias: null }), back.kept);
  expect(await rights("moving")).toEqual([]);
});

test("policies that others gave to the person stay theirs, while they are in", async () => {
  await provider.up(PERSON, wish("rich"));
  await world.vault.must("POST", `identity/entity/name/namespace-owner-rich-${RUN}`, {
    policies: ["by-hand", `namespace-owner-rich-${RUN}`],
  });
  const again = await provider.up(PERSON, wish("rich"));
  expect([again.did, (await entityOf("rich"))?.policies.sort()]).toEqual([
    "created",
    ["by-hand", `namespace-owner-rich-${RUN}`],
  ]);
});

test("an entity that a hand disabled stays so while its person is in, and is said", async () => {
  const { kept } = await provider.up(PERSON, wish("blocked"));
  await world.vault.must("POST", `identity/entity/name/namespace-owner-blocked-${RUN}`, { disabled: true });
  const seen = await provider.refresh(kept);
  expect((await provider.up(PERSON, wish("blocked"), seen)).did).toBe("same");
  expect(provider.said.join("\n")).toContain(`namespace-owner-blocked-${RUN}: somebody has disabled the entity`);
  expect(await world.signIn(email("blocked"))).toBe(403);
});

test("a person without rights of their own gets no entity, and is cut off by their address when they leave", async () => {
  const plain = wish("plain", { policies: [] });
  const { kept } = await provider.up(PERSON, plain);
  expect(kept.state.entityId).toBeNull();
  const token = await world.signIn(email("plain"));
  const left = await provider.up(PERSON, { ...plain, state: "left" }, kept);
  expect([left.kept.state.revoked, await world.status(`${token}`, "GET", "auth/token/lookup-self")]).toEqual([1, 403]);
  expect(await world.signIn(email("plain"))).toBe(403);
});

test("the end of the resource gives nothing back to somebody who left", async () => {
  const { kept } = await provider.up(PERSON, wish("removed"));
  const left = await provider.up(PERSON, wish("removed", { state: "left", policies: [] }), kept);
  await provider.delete(left.kept);
  expect(await world.signIn(email("removed"))).toBe(403);
});

test("children of a token, and orphans with the person's policy, end with the rest", async () => {
  const name = `kin-${RUN}`;
  await world.vault.must("PUT", `sys/policies/acl/namespace-owner-${name}`, {
    policy: 'path "auth/token/create" { capabilities = ["update"] }',
  });
  const { kept } = await provider.up(PERSON, wish("kin"));
  const parent = `${await world.signIn(email("kin"))}`;
  const make = async (body: object, as?: string) =>
    ((await world.vault.ask("POST", "auth/token/create", body, as)).body as { auth: { client_token: string } }).auth
      .client_token;
  const child = await make({}, parent);
  const orphan = await make({ policies: [`workstation-claude-${name}`], no_parent: true });
  const stranger = await make({ policies: ["default"], no_parent: true });
  await provider.up(PERSON, wish("kin", { state: "left", policies: [] }), kept);
  const states = await Promise.all(
    [parent, child, orphan, stranger].map((token) => world.status(token, "GET", "auth/token/lookup-self")),
  );
  expect(states).toEqual([403, 403, 403, 200]);
});

test("a token without the right to cut says so, and nobody is taken for cut off", async () => {
  const { kept } = await provider.up(PERSON, wish("unlucky"));
  const weak = await world.vault.must("POST", "auth/token/create", { policies: ["default"], no_parent: true });
  const token = (weak as { auth: { client_token: string } }).auth.client_token;
  const unable = await openProvider(world, token);
  const failed = unable.up(PERSON, wish("unlucky", { state: "left", policies: [] }), kept);
  await expect(failed).rejects.toThrow(/status 403; the program's token may not do that.*docs\/vault\.md/);
  await expect(failed).rejects.not.toThrow(token);
  await expect(unable.refresh(kept)).rejects.toThrow(/status 403/);
});

test("a Vault that is not there is told as such", async () => {
  const nowhere = await openProvider(world, world.program.token, "https://127.0.0.1:9");
  await expect(nowhere.up(PERSON, wish("nobody"))).rejects.toThrow(
    /(POST|GET) https:\/\/127\.0\.0\.1:9 .*nothing listens there/,
  );
});

test("the user map is read from a real Vault, and each way of not getting it is told for what it is", async () => {
  const secret = `map-${RUN}`;
  const { address } = world.program.settings;
  const read = (token: string, at = address, authority = ca) =>
    readUserMap(
      { settings: vaultSettings.parse({ address: at, userMap: { path: secret } }), token, ca: authority },
      { preview: false, timeoutMs: 3_000, pauseMs: 1 },
    );
  const token = await tokenFor(secret);
  await expect(read(token)).rejects.toThrow(/there is no such secret/);
  await world.vault.must("POST", `secret/data/${secret}`, { data: { k8s_users: '{"anca":{}}' } });
  expect(await read(token)).toMatchObject({ isRead: true, text: '{"anca":{}}', version: 1 });
  await world.vault.must("POST", `secret/data/${secret}`, { data: { k8s_users: "{" } });
  await expect(read(token)).rejects.toThrow(/not a JSON object/);
  await world.vault.must("DELETE", `secret/data/${secret}`);
  await expect(read(token)).rejects.toThrow(/version 2 of the secret was deleted/);
  await world.vault.must("POST", `secret/destroy/${secret}`, { versions: [2] });
  await expect(read(token)).rejects.toThrow(/version 2 of the secret was destroyed/);
  await expect(read("hvs.unknown")).rejects.toThrow(/may not read it, or is no longer valid/);
  const sealed = await sealedVault();
  await expect(read(token, sealed.address, sealed.ca)).rejects.toThrow(/it is sealed; unseal it/);
  await stopServer(world.lab, "vault-sealed");
  await expect(read(token, sealed.address, sealed.ca)).rejects.toThrow(/cannot be reached/);
});

async function tokenFor(secret: string): Promise<string> {
  const policy = `path "secret/data/${secret}" { capabilities = ["read"] }`;
  await world.vault.must("PUT", `sys/policies/acl/${secret}`, { policy });
  const made = await world.vault.must("POST", "auth/token/create", { policies: [secret], no_parent: true });
  return (made as { auth: { client_token: string } }).auth.client_token;
}

/** A second Vault, which stays sealed: other tests use the lab's own. */
async function sealedVault(): Promise<{ readonly address: string; readonly ca: string }> {
  const address = `https://${world.lab.address.lab}:8300`;
  const dir = world.lab.path("vault-sealed");
  const home = await openToolchain(["vault"]).get("vault");
  const argv = [home.file("vault"), "server", "-dev", "-dev-tls", "-dev-no-store-token", `-dev-tls-cert-dir=${dir}`];
  const own = [`-dev-tls-san=${world.lab.address.lab}`, `-dev-listen-address=${world.lab.address.lab}:8300`];
  const reach = () => labVault(address, `${dir}/vault-ca.pem`, "root-of-the-sealed");
  await startServer(world.lab, {
    name: "vault-sealed",
    argv: [...argv, ...own],
    env: { VAULT_DEV_ROOT_TOKEN_ID: "root-of-the-sealed" },
    ready: async () => (await reach()).isReady(),
    withinMs: 30_000,
  });
  await (await reach()).must("PUT", "sys/seal");
  return { address, ca: await readFile(`${dir}/vault-ca.pem`, "utf8") };
}
