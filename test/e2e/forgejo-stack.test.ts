/** The forge as the stack composes it, by the real engine: who joins, who leaves, and where a token may be seen. Needs root. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ForgeLogin } from "../../lab/forge/index.ts";
import { openToolchain } from "../../lab/toolchain/index.ts";
import { type ForgeWorld, openForgeWorld } from "./fixtures/forge-fixture.ts";
import { type Row, rosterOf } from "./fixtures/roster-of.ts";
import { openServices, type Services } from "./fixtures/services.ts";

let world: ForgeWorld;
let services: Services;
const logins: Record<string, { readonly login: string; readonly password: string }> = {};

beforeAll(async () => {
  world = await openForgeWorld("stack");
  await openToolchain(["engine", "language-host"]).get("engine");
  services = await openServices(world.lab, "forgejo-stack");
  for (const name of ["pusher", "plain", "stranger"]) logins[name] = await world.person(name);
  await world.api(world.forge.admin, "PUT", `/collaborators/${who("stranger").login}`, { permission: "write" });
});
afterAll(() => world.end());

const who = (name: string) => {
  const known = logins[name];
  if (known === undefined) throw new Error(`nobody is called ${name}`);
  return known;
};
const people = (...names: readonly string[]): Readonly<Record<string, Row>> => {
  const all: Readonly<Record<string, Row>> = {
    boss: { tier: "admin", forgejo: { login: world.forge.adminUser } },
    pusher: { tier: "power-user", forgejo: { login: who("pusher").login, push: true } },
    plain: { tier: "power-user", forgejo: { login: who("plain").login } },
  };
  return Object.fromEntries(Object.entries(all).filter(([name]) => names.includes(name)));
};
const wish = (...names: readonly string[]) => wishOf(people(...names));
const wishOf = (rows: Readonly<Record<string, Row>>) => ({
  ...rosterOf(rows),
  forge: {
    settings: { username: world.forge.adminUser },
    password: world.forge.adminPassword,
    place: { forgejo: world.forge.url, owner: world.owner, infra: world.repo, branch: "master" },
  },
});
const UP = ["up", "--yes", "--skip-preview"];
const CHANGES = /[+~-] ?\d+ (created|updated|deleted|replaced)/;
const push = async (as: ForgeLogin, ref: string) => {
  const tip = (await world.tip("refs/heads/master")) ?? "";
  return (await world.push(as, `${await world.commit(tip)}:refs/heads/${ref}`)).ok;
};
const tokens = async () => (await services.outputs()).tokens as Readonly<Record<string, string>>;
const pushTag = async (as: ForgeLogin, tag: string) => {
  const tip = (await world.tip("refs/heads/master")) ?? "";
  return (await world.push(as, `${tip}:refs/tags/${tag}`)).ok;
};
const place = (said: string, sentence: RegExp): number => {
  const at = said.search(sentence);
  if (at < 0) throw new Error(`${sentence} was not said`);
  return at;
};

test("who is on the roster pushes as the roster says, with the token that was issued to them", async () => {
  const { stdout } = await services.pulumi(UP, wish("boss", "pusher", "plain"));
  const issued = await tokens();
  const as = (name: string): ForgeLogin => ({ login: who(name).login, password: issued[name] ?? "" });
  expect([
    await push(as("pusher"), "master"),
    await push(as("plain"), "master"),
    await push(as("plain"), "idea"),
  ]).toEqual([true, false, true]);
  // Restrictive first: the wall, then the people, then the lists.
  const order = [/infra-master created/, /infra-plain-\S+ created/, /infra-writers created/].map((sentence) =>
    place(stdout, sentence),
  );
  expect([...order].sort((a, b) => a - b)).toEqual(order);
});

test("only an admin pushes a tag that confirms a commit; every other tag is anybody's who may write", async () => {
  const { admin } = world.forge;
  const { login, password } = who("pusher");
  expect([
    await pushTag({ login, password }, "confirm/by-who-may-push"),
    await pushTag(who("stranger"), "confirm/by-a-collaborator"),
    await pushTag(who("stranger"), "v1"),
    await pushTag(admin, "confirm/by-an-admin"),
    (await world.push(who("stranger"), ":refs/tags/confirm/by-an-admin")).ok,
  ]).toEqual([false, false, true, true, false]);
  const { body } = await world.api(admin, "GET", "/tag_protections");
  expect(body).toMatchObject([
    { name_pattern: "confirm/*", whitelist_usernames: [world.forge.adminUser], whitelist_teams: [] },
  ]);
});

test("a hand that edits or removes the tags' rule is undone by a refresh", async () => {
  const { admin, adminUser } = world.forge;
  const rules = async () =>
    (await world.api(admin, "GET", "/tag_protections")).body as { id: number; whitelist_usernames: string[] }[];
  const repaired = async () => {
    await services.pulumi([...UP, "--refresh"], wish("boss", "pusher", "plain"));
    return (await rules()).map(({ whitelist_usernames }) => whitelist_usernames);
  };
  const [rule] = await rules();
  const list = { whitelist_usernames: [adminUser, who("stranger").login] };
  expect((await world.api(admin, "PATCH", `/tag_protections/${rule?.id}`, list)).status).toBe(200);
  expect(await repaired()).toEqual([[adminUser]]);
  expect((await world.api(admin, "DELETE", `/tag_protections/${rule?.id}`)).status).toBe(204);
  expect(await repaired()).toEqual([[adminUser]]);
});

test("a collaborator who was never ours is reported, and stays", async () => {
  expect((await services.outputs()).strangers).toEqual([
    `${who("stranger").login} is a collaborator (write) whom this program never put there`,
  ]);
  expect(services.said.join("\n")).toContain(
    `${who("stranger").login} is a collaborator (write) whom this program never put there; it is left alone`,
  );
  expect(await push(who("stranger"), "of-a-stranger")).toBe(true);
});

test("a preview that changes nothing says so, and writes nothing", async () => {
  const { stdout } = await services.pulumi(["preview", "--diff"], wish("boss", "pusher", "plain"));
  expect(stdout).toMatch(/\d+ unchanged/);
  expect(stdout).not.toMatch(/to (create|update|delete|replace)/);
});

test("a person who becomes an admin keeps their push, also after a refresh, and has only the former one once they are none any more", async () => {
  const everybody = people("boss", "pusher", "plain");
  const inTier = (tier: Row["tier"]) => {
    const promoted = (name: string) => ({ [name]: { ...everybody[name], tier } });
    return wishOf({ ...everybody, ...promoted("pusher"), ...promoted("plain") });
  };
  const onMaster = async () => [await push(who("pusher"), "master"), await push(who("plain"), "master")];
  const { stdout } = await services.pulumi(UP, inTier("admin"));
  expect(stdout).not.toMatch(/infra-(plain|pusher)-\S+ deleted/);
  expect(await onMaster()).toEqual([true, true]);
  expect(await pushTag(who("plain"), "confirm/by-who-became-an-admin")).toBe(true);
  expect((await services.pulumi([...UP, "--refresh"], inTier("admin"))).stdout).not.toMatch(CHANGES);
  expect(await onMaster()).toEqual([true, true]);
  await services.pulumi(UP, inTier("power-user"));
  expect([...(await onMaster()), await push(who("plain"), "idea-2")]).toEqual([true, false, true]);
  expect(await pushTag(who("plain"), "confirm/by-who-was-an-admin")).toBe(false);
  expect((await services.pulumi([...UP, "--refresh"], inTier("power-user"))).stdout).not.toMatch(CHANGES);
});

test("an admin without access of their own is let in, and out again", async () => {
  const fresh = await world.person("fresh");
  const rows = people("boss", "pusher", "plain");
  await services.pulumi(UP, wishOf({ ...rows, fresh: { tier: "admin", forgejo: { login: fresh.login } } }));
  expect([await push(fresh, "master"), await pushTag(fresh, "confirm/by-a-new-admin")]).toEqual([true, true]);
  await services.pulumi(UP, wishOf(rows));
  expect([await push(fresh, "idea-3"), await pushTag(fresh, "confirm/by-who-left")]).toEqual([false, false]);
});

test("who leaves is out before the lists are written; their token is dead and everybody else's is not", async () => {
  const before = await tokens();
  const { stdout } = await services.pulumi(UP, wish("boss", "plain"));
  const gone: ForgeLogin = { login: who("pusher").login, password: before.pusher ?? "" };
  const stays: ForgeLogin = { login: who("plain").login, password: before.plain ?? "" };
  expect([await push(gone, "x"), await push(who("pusher"), "x"), await push(stays, "still-there")]).toEqual([
    false,
    false,
    true,
  ]);
  expect((await world.api(gone, "GET", "")).status).toBe(401);
  const [out, lists, token] = [
    ...[/infra-pusher-\S+ updated/, /infra-writers updated/, /infra-token-pusher-\S+ updated/],
  ].map((sentence) => place(stdout, sentence));
  expect([Number(out) < Number(lists), Number(out) < Number(token)]).toEqual([true, true]);
  expect((await world.api(world.forge.admin, "GET", "/branch_protections/master")).body).toMatchObject({
    push_whitelist_usernames: [world.forge.adminUser],
  });
});

test("no token and no password is in anything that the engine said, nor in the state in the clear", async () => {
  const everything = [...services.said, await services.exportState()].join("\n");
  const values = Object.values(await tokens());
  expect(values).toHaveLength(2);
  for (const secret of [...values, world.forge.adminPassword]) expect(everything).not.toContain(secret);
});
