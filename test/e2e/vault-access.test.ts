/** Everybody's own paths in a real Vault, tried as everybody: people through the issuer, pipelines through the cluster. Needs root. */
import type { HttpRequest } from "../../clients/http/send.ts";
import { beforeAll, expect, test } from "vitest";
import { rosterOf } from "./fixtures/roster-of.ts";
import { openServices, type Services } from "./fixtures/services.ts";
import { openVaultWorld, type VaultWorld } from "./fixtures/vault-fixture.ts";

/** `ana` is the beginning of `anab`: the pair that a careless policy mixes up. */
const PEOPLE = {
  wizard: { tier: "admin" },
  emo: { tier: "power-user" },
  os_ana: { tier: "namespace-owner", k8sUser: "ana", namespaces: ["plotting"], email: "ana@lab.example" },
  os_anab: { tier: "namespace-owner", k8sUser: "anab", namespaces: ["reading"], email: "anab@lab.example" },
} as const;

let world: VaultWorld;
let services: Services;
/** What each signs in with. */
const tokens: Record<string, string> = {};

beforeAll(async () => {
  world = await openVaultWorld();
  services = await openServices(world.lab, "vault-access");
  await services.pulumi(["up", "--yes", "--skip-preview"], { ...rosterOf(PEOPLE), vault: world.program });
  for (const who of ["wizard", "emo", "ana", "anab"]) tokens[who] = String(await world.signIn(`${who}@lab.example`));
  await world.vault.must("POST", "secret/data/ana", { data: { own: 1 } });
  await world.vault.must("POST", "secret/data/ana/deep/er", { data: { own: 2 } });
  await world.vault.must("POST", "secret/data/anab/app", { data: { own: 3 } });
  await world.vault.must("POST", "secret/data/workstation/claude-users/os_ana", { data: { own: 4 } });
  await world.vault.must("POST", "secret/data/workstation/claude-users/os_anab", { data: { own: 5 } });
});

const as = (who: string, method: HttpRequest["method"], path: string, body?: object) =>
  world.status(tokens[who] ?? who, method, path, body);

test("an owner reads, writes and removes their own secrets, at every depth", async () => {
  const done = [
    await as("ana", "GET", "secret/data/ana"),
    await as("ana", "GET", "secret/data/ana/deep/er"),
    await as("ana", "POST", "secret/data/ana/fresh", { data: { made: true } }),
    await as("ana", "LIST", "secret/metadata/ana"),
    await as("ana", "GET", "secret/metadata/ana/fresh"),
    await as("ana", "DELETE", "secret/data/ana/fresh"),
    await as("ana", "DELETE", "secret/metadata/ana/fresh"),
  ];
  expect(done).toEqual([200, 200, 200, 200, 200, 204, 204]);
});

const FOREIGN = [
  ["GET", "secret/data/anab"],
  ["GET", "secret/data/anab/app"],
  ["GET", "secret/data/anax"],
  ["GET", "secret/data/ana/../platform"],
  ["GET", "secret/data/ana/../anab/app"],
  ["GET", "secret/data/platform"],
  ["GET", "secret/data/workstation/claude-users/os_ana"],
  ["LIST", "secret/metadata"],
  ["LIST", "secret/metadata/anab"],
  ["DELETE", "secret/metadata/anab/app"],
  ["POST", "secret/data/anab/app"],
  ["POST", "secret/data/platform"],
  ["POST", "secret/destroy/ana"],
  ["POST", "secret/undelete/ana"],
  ["PUT", "sys/policies/acl/namespace-owner-ana"],
  ["GET", "sys/policies/acl/namespace-owner-ana"],
  ["LIST", "auth/token/accessors"],
  ["POST", "auth/token/create"],
  ["POST", "identity/entity/name/namespace-owner-ana"],
  ["GET", "sys/auth"],
] as const;

test.each(FOREIGN)("an owner's %s of %s is refused", async (method, path) => {
  const body =
    method === "POST" || method === "PUT"
      ? { data: { x: 1 }, versions: [1], policy: "", policies: ["root"] }
      : undefined;
  expect(await as("ana", method, path, body)).toBe(403);
});

test("a path that climbs out of the owner's own, hidden from the first look, tells nothing", async () => {
  const { status, body } = await world.vault.ask("GET", "secret/data/ana%2f..%2fplatform", undefined, tokens.ana);
  // The policy takes it for something below `ana`; the store itself refuses to climb.
  expect([status >= 400, JSON.stringify(body)]).toEqual([true, expect.not.stringContaining("k8s_users")]);
});

test("what an owner may do is exactly this, by Vault's own account", async () => {
  const paths = [
    "data/ana",
    "data/ana/x",
    "metadata/ana",
    "metadata/ana/x",
    "data/anab",
    "metadata/anab/x",
    "destroy/ana",
  ];
  const table = await Promise.all(
    paths.map(async (path) => {
      const { body } = await world.vault.ask(
        "POST",
        "sys/capabilities-self",
        { paths: [`secret/${path}`] },
        tokens.ana,
      );
      return `${path}: ${(body as { capabilities: string[] }).capabilities.sort().join(" ")}`;
    }),
  );
  expect(table).toEqual([
    "data/ana: create delete patch read update",
    "data/ana/x: create delete patch read update",
    "metadata/ana: delete list read",
    "metadata/ana/x: delete list read",
    "data/anab: deny",
    "metadata/anab/x: deny",
    "destroy/ana: deny",
  ]);
});

test("an admin and a power-user sign in and reach nobody's secrets through this program", async () => {
  for (const who of ["wizard", "emo"]) {
    expect([await as(who, "GET", "auth/token/lookup-self"), await as(who, "GET", "secret/data/ana")]).toEqual([
      200, 403,
    ]);
  }
});

test("a sign-in whose address is not verified, or comes from another audience, is refused", async () => {
  expect([
    await world.signIn("ana@lab.example", { email_verified: false }),
    await world.signIn("ana@lab.example", { aud: "another" }),
  ]).toEqual([400, 400]);
});

test("a pipeline signs in from its own namespace and account only, and has its owner's paths", async () => {
  const token = await world.signInAs("plotting", "deployer", "plotting-deployer");
  expect(token).toEqual(expect.any(String));
  const can = [
    await as(`${token}`, "GET", "secret/data/ana/deep/er"),
    await as(`${token}`, "GET", "secret/data/anab/app"),
  ];
  expect(can).toEqual([200, 403]);
  expect([
    await world.signInAs("reading", "deployer", "plotting-deployer"),
    await world.signInAs("plotting", "default", "plotting-deployer"),
    await world.signInAs("plotting", "deployer", "reading-deployer"),
    await world.signInAs("plotting", "deployer", "nobody-deployer"),
  ]).toEqual([403, 403, 403, 400]);
});

test("the role of a pipeline names one account in one namespace, and its tokens can be revoked", async () => {
  const { body } = await world.vault.ask("GET", "auth/kubernetes/role/plotting-deployer");
  expect((body as { data: object }).data).toMatchObject({
    bound_service_account_names: ["deployer"],
    bound_service_account_namespaces: ["plotting"],
    token_policies: ["namespace-owner-ana"],
    token_type: "service",
    token_ttl: 1200,
    token_max_ttl: 3600,
  });
});

test("a workstation's token knows itself, renews itself, has its own path and nothing else", async () => {
  const made = await world.vault.must("POST", "auth/token/create", {
    policies: ["workstation-claude-os_ana"],
    no_default_policy: true,
    renewable: true,
  });
  const token = (made as { auth: { client_token: string } }).auth.client_token;
  const own = "secret/data/workstation/claude-users/os_ana";
  expect([
    await as(token, "GET", "auth/token/lookup-self"),
    await as(token, "POST", "auth/token/renew-self", {}),
    await as(token, "GET", own),
    await as(token, "POST", own, { data: { fresh: 1 } }),
  ]).toEqual([200, 200, 200, 200]);
  expect([
    await as(token, "GET", "secret/data/workstation/claude-users/os_anab"),
    await as(token, "GET", `${own}/below`),
    await as(token, "DELETE", own),
    await as(token, "GET", "secret/metadata/workstation/claude-users/os_ana"),
    await as(token, "LIST", "secret/metadata/workstation/claude-users"),
    await as(token, "POST", "auth/token/create", {}),
    await as(token, "GET", "secret/data/ana"),
  ]).toEqual([403, 403, 403, 403, 403, 403, 403]);
});

test("a run that has nothing to do changes nothing", async () => {
  const { stdout } = await services.pulumi(["up", "--yes", "--skip-preview"], {
    ...rosterOf(PEOPLE),
    vault: world.program,
  });
  expect(stdout).toMatch(/\d+ unchanged/);
  expect(stdout).not.toMatch(/created|updated|deleted|replaced/);
});

test("a policy that somebody widened by hand is seen by a refresh and put right", async () => {
  await world.vault.must("PUT", "sys/policies/acl/namespace-owner-ana", {
    policy: 'path "secret/*" { capabilities = ["read"] }',
  });
  expect(await as("ana", "GET", "secret/data/anab/app")).toBe(200);
  const { stdout } = await services.pulumi(["up", "--yes", "--skip-preview", "--refresh"], {
    ...rosterOf(PEOPLE),
    vault: world.program,
  });
  expect(stdout).toMatch(/vault-ana@owner updated/);
  expect(await as("ana", "GET", "secret/data/anab/app")).toBe(403);
});

test("a namespace that passes on keeps its role, and another name in Vault keeps the policy of the workstation", async () => {
  const { wizard, os_anab: heir } = PEOPLE;
  const rows = {
    wizard,
    emo: { ...PEOPLE.emo, k8sUser: "emil" },
    os_anab: { ...heir, namespaces: ["plotting", ...heir.namespaces] },
  };
  await services.pulumi(["up", "--yes", "--skip-preview"], { ...rosterOf(rows), vault: world.program });
  const token = await world.signInAs("plotting", "deployer", "plotting-deployer");
  expect([
    await as(`${token}`, "GET", "secret/data/anab/app"),
    await as(`${token}`, "GET", "secret/data/ana/deep/er"),
  ]).toEqual([200, 403]);
  const policies = ["workstation-claude-emo", "workstation-claude-os_ana"];
  const found = policies.map(async (name) => (await world.vault.ask("GET", `sys/policies/acl/${name}`)).status);
  expect(await Promise.all(found)).toEqual([200, 404]);
});

test("no secret is in anything that the engine said or keeps in the clear", async () => {
  const everything = [...services.said, await services.exportState()].join("\n");
  expect(everything).toContain("namespace-owner-ana");
  expect(everything).not.toContain(world.program.token);
});
