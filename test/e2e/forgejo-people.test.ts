/** Joining, leaving and returning on a real forge: write access, lists, tokens; and what was never ours. Needs root. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ForgeLogin } from "../../lab/forge/index.ts";
import { forgejoProvider } from "../../providers/forgejo/provider.ts";
import { reveal, Secret } from "../../providers/runtime/property-values.ts";
import { drive, type Driven, type Kept } from "./fixtures/resource-lifecycle.ts";
import { type ForgeWorld, openForgeWorld } from "./fixtures/forge-fixture.ts";

const DAY_MS = 86_400_000;
let world: ForgeWorld;
let provider: Driven;
/** The provider's clock. */
let nowMs = Date.parse("2026-11-22T12:00:00Z");

const PROTECTION = "forgejo:index:BranchProtection";
const WRITERS = "forgejo:index:BranchWriters";
const COLLABORATOR = "forgejo:index:Collaborator";
const TOKEN = "forgejo:index:AccessToken";

beforeAll(async () => {
  world = await openForgeWorld("people");
  const { url, adminUser, adminPassword } = world.forge;
  provider = await drive(
    forgejoProvider(() => nowMs),
    { url, username: adminUser, password: new Secret(adminPassword) },
  );
});
afterAll(() => world.end());

const place = () => ({ owner: world.owner, repo: world.repo });
const branch = () => ({ ...place(), branch: "master" });
const rule = async () =>
  (await world.api(world.forge.admin, "GET", "/branch_protections/master")).body as Record<string, unknown>;
const collaborators = async () => {
  const { body } = await world.api(world.forge.admin, "GET", "/collaborators");
  return (body as { login: string }[]).map(({ login }) => login).sort();
};
const tokenNames = async (login: string) => {
  const { body } = await world.forge.api.ask("GET", `users/${login}/tokens`);
  return (body as { name: string }[]).map(({ name }) => name).sort();
};
const canPush = async (as: ForgeLogin): Promise<boolean> => {
  const tip = (await world.tip("refs/heads/master")) ?? "";
  return (await world.push(as, `${await world.commit(tip)}:refs/heads/master`)).ok;
};
/** git takes a token in the place of the password. */
const withToken = (login: string, kept: Kept): ForgeLogin => ({
  login,
  password: String(reveal(kept.state.token ?? "")),
});
const canFetch = async (as: ForgeLogin) => (await world.api(as, "GET", "")).status === 200;

test("who leaves loses write access, then the list entry, and a return without push brings none back", async () => {
  const someone = await world.person("leaver");
  const { adminUser } = world.forge;
  await provider.up(PROTECTION, { ...branch(), deployKeys: true });
  const joined = await provider.up(COLLABORATOR, { ...place(), login: someone.login, permission: "write" });
  const lists = (push: string[], members: string[]) => ({ ...branch(), push, merge: push, members });
  const listed = await provider.up(WRITERS, lists([adminUser, someone.login], [someone.login]));
  expect(await canPush(someone)).toBe(true);

  const left = await provider.up(COLLABORATOR, { ...place(), login: someone.login, permission: "none" }, joined.kept);
  expect([await collaborators(), await canPush(someone), await canFetch(someone)]).toEqual([[], false, false]);
  // The forge still has them on its list, unseen: with write access they would be back on it.
  expect((await rule()).push_whitelist_usernames).toEqual([adminUser]);
  const unlisted = await provider.up(
    WRITERS,
    lists([adminUser], []),
    (await provider.refresh(listed.kept)) ?? listed.kept,
  );
  expect(unlisted.did).toBe("updated");

  const back = await provider.up(COLLABORATOR, { ...place(), login: someone.login, permission: "write" }, left.kept);
  await provider.up(WRITERS, lists([adminUser], [someone.login]), unlisted.kept);
  expect([back.did, await collaborators(), await canPush(someone)]).toEqual(["updated", [someone.login], false]);
  await provider.delete(back.kept);
});

test("nobody is put on a list who cannot write, and the error says who and what to do", async () => {
  const outsider = await world.person("outsider");
  const wish = { ...branch(), push: [outsider.login], merge: [], members: [] };
  await expect(provider.up(WRITERS, wish)).rejects.toThrow(
    new RegExp(`did not take ${outsider.login} .*make them a collaborator`),
  );
});

test("a collaborator whom the program never put there stays, and is in the report", async () => {
  const stranger = await world.person("stranger");
  const ours = await world.person("ours");
  await world.api(world.forge.admin, "PUT", `/collaborators/${stranger.login}`, { permission: "admin" });
  const kept = await provider.up(COLLABORATOR, { ...place(), login: ours.login, permission: "write" });
  await provider.up(COLLABORATOR, { ...place(), login: ours.login, permission: "none" }, kept.kept);
  expect(await collaborators()).toEqual([stranger.login]);
  const audit = await provider.invoke("forgejo:index:auditRepository", { ...branch(), known: [ours.login] });
  expect(audit).toMatchObject({
    server: "gitea",
    version: "1.26.0",
    collaborators: [{ login: stranger.login, permission: "admin" }],
    effectiveRule: "master",
  });
});

const BY_HAND: readonly (readonly [string, object, string])[] = [
  [
    "lets every writer push",
    { enable_push: true, enable_push_whitelist: false },
    "everybody with write access may push",
  ],
  ["lets nobody push", { enable_push: false }, "nobody may push"],
  ["lets every writer merge", { enable_merge_whitelist: false }, "everybody with write access may merge"],
  ["allows forced pushes", { enable_push: true, enable_force_push: true }, "history may be rewritten"],
  ["exempts some files", { unprotected_file_patterns: "docs/**" }, "some files are exempt"],
  ["exempts admins", { block_admin_merge_override: false }, "admins of the repository are exempt"],
];

test.each(BY_HAND)(
  "a rule that somebody changed so that it %s is seen by a refresh and put right",
  async (_, change, gap) => {
    const wish = { ...branch(), deployKeys: true };
    const { kept } = await provider.up(PROTECTION, wish);
    expect((await world.api(world.forge.admin, "PATCH", "/branch_protections/master", change)).status).toBe(200);
    const seen = await provider.refresh(kept);
    expect(seen?.state.gaps).toEqual([expect.stringContaining(gap)]);
    const repaired = await provider.up(PROTECTION, wish, seen);
    expect([repaired.did, repaired.kept.state.gaps]).toEqual(["updated", []]);
    expect((await provider.up(PROTECTION, wish, await provider.refresh(repaired.kept))).did).toBe("same");
  },
);

test("somebody whom a hand put on the lists is seen by a refresh and taken off", async () => {
  const { adminUser } = world.forge;
  const intruder = await world.person("intruder");
  const wish = { ...branch(), push: [adminUser], merge: [adminUser], members: [] };
  const { kept } = await provider.up(WRITERS, wish);
  await world.api(world.forge.admin, "PUT", `/collaborators/${intruder.login}`, { permission: "write" });
  await world.api(world.forge.admin, "PATCH", "/branch_protections/master", {
    push_whitelist_usernames: [adminUser, intruder.login],
  });
  expect(await canPush(intruder)).toBe(true);
  const seen = await provider.refresh(kept);
  expect((await provider.up(WRITERS, wish, seen)).did).toBe("updated");
  expect(await canPush(intruder)).toBe(false);
});

test("a right that a hand changed is seen by a refresh and put right", async () => {
  const { login } = await world.person("raised");
  const wish = { ...place(), login, permission: "write" };
  const { kept } = await provider.up(COLLABORATOR, wish);
  await world.api(world.forge.admin, "PUT", `/collaborators/${login}`, { permission: "admin" });
  const seen = await provider.refresh(kept);
  expect(seen?.state.permission).toBe("admin");
  expect((await provider.up(COLLABORATOR, wish, seen)).kept.state).toMatchObject({
    permission: "write",
    effective: "write",
  });
});

test("who needs at least write access gets it where they lack it, and keeps more where they have more", async () => {
  const { login } = await world.person("raised-by-hand");
  const wish = { ...place(), login, permission: "write", minimum: true };
  const made = await provider.up(COLLABORATOR, wish);
  expect([made.kept.state.effective, await collaborators()]).toEqual(["write", expect.arrayContaining([login])]);
  await world.api(world.forge.admin, "PUT", `/collaborators/${login}`, { permission: "admin" });
  expect((await provider.up(COLLABORATOR, wish, await provider.refresh(made.kept))).did).toBe("same");
  await world.api(world.forge.admin, "PUT", `/collaborators/${login}`, { permission: "read" });
  const restored = await provider.up(COLLABORATOR, wish, await provider.refresh(made.kept));
  expect([restored.did, restored.kept.state.effective]).toEqual(["updated", "write"]);
  await provider.delete(restored.kept);

  const { adminUser } = world.forge;
  const owner = await provider.up(COLLABORATOR, { ...wish, login: adminUser });
  expect(await collaborators()).not.toContain(adminUser);
  expect((await provider.up(COLLABORATOR, { ...wish, login: adminUser }, await provider.refresh(owner.kept))).did).toBe(
    "same",
  );
});

test("another rule that goes before ours is told by name, and nothing is called protected that is not", async () => {
  const wish = { ...branch(), deployKeys: true };
  const { kept } = await provider.up(PROTECTION, wish);
  const glob = { rule_name: "mast*", enable_push: true, priority: 0 };
  expect((await world.api(world.forge.admin, "POST", "/branch_protections", glob)).status).toBe(201);
  await world.api(world.forge.admin, "POST", "/branch_protections/priority", { ids: [] });
  await world.api(world.forge.admin, "PATCH", "/branch_protections/master", { priority: 9 });
  await world.api(world.forge.admin, "PATCH", "/branch_protections/mast*", { priority: 1 });
  const seen = await provider.refresh(kept);
  expect(seen?.state.gaps).toEqual([expect.stringContaining('another rule ("mast*") goes before it')]);
  await expect(provider.up(PROTECTION, wish, seen)).rejects.toThrow(/not protected as it should be.*"mast\*"/);
  await world.api(world.forge.admin, "DELETE", "/branch_protections/mast*");
  expect((await provider.up(PROTECTION, wish, seen)).kept.state.gaps).toEqual([]);
});

test("import reads a rule and a collaborator as they are", async () => {
  const { login } = await world.person("imported");
  await world.api(world.forge.admin, "PUT", `/collaborators/${login}`, { permission: "read" });
  const { owner, repo } = place();
  expect((await provider.import(COLLABORATOR, `${owner}/${repo}/${login}`))?.inputs).toEqual({
    owner,
    repo,
    login,
    permission: "read",
    minimum: false,
    successor: null,
  });
  expect((await provider.import(PROTECTION, `${owner}/${repo}/master`))?.inputs).toEqual({
    ...branch(),
    deployKeys: true,
  });
  expect(await provider.import(PROTECTION, `${owner}/${repo}/nothing`)).toBeUndefined();
  await expect(provider.import(COLLABORATOR, "nonsense")).rejects.toThrow(
    /is no id of a collaborator: give owner\/repo\/login/,
  );
});

test("a token opens what its person can reach, and nothing besides repositories", async () => {
  const { login } = await world.person("holder");
  await provider.up(COLLABORATOR, { ...place(), login, permission: "write" });
  const { kept } = await provider.up(TOKEN, tokenWish(login));
  const as = withToken(login, kept);
  const topic = await world.push(
    as,
    `${await world.commit((await world.tip("refs/heads/master")) ?? "")}:refs/heads/of-${login}`,
  );
  const others = await Promise.all(
    ["user", `users/${login}/tokens`, "admin/users", "notifications", "user/keys"].map(
      async (path) => (await world.forge.api.ask("GET", path, undefined, as)).status,
    ),
  );
  expect([topic.ok, await canFetch(as), others]).toEqual([true, true, [403, 403, 403, 403, 403]]);
});

const tokenWish = (login: string) => ({
  login,
  name: "workstation-test",
  scopes: ["write:repository"],
  rotateAfterDays: 30,
  overlapDays: 3,
});

test("a token is replaced by age, the former one ends after the overlap, and nothing moves in between", async () => {
  const { login } = await world.person("rotated");
  await provider.up(COLLABORATOR, { ...place(), login, permission: "write" });
  const wish = tokenWish(login);
  const first = await provider.up(TOKEN, wish);
  nowMs += 29 * DAY_MS;
  expect((await provider.up(TOKEN, wish, first.kept)).did).toBe("same");
  nowMs += DAY_MS;
  expect(await provider.diff(first.kept, wish)).toEqual(["rotateAfterDays"]);
  const second = await provider.up(TOKEN, wish, first.kept);
  expect([await canFetch(withToken(login, first.kept)), await canFetch(withToken(login, second.kept))]).toEqual([
    true,
    true,
  ]);
  expect(await tokenNames(login)).toEqual(["workstation-test-1", "workstation-test-2"]);
  nowMs += 2 * DAY_MS;
  expect((await provider.up(TOKEN, wish, second.kept)).did).toBe("same");
  nowMs += DAY_MS;
  const third = await provider.up(TOKEN, wish, second.kept);
  expect([await canFetch(withToken(login, first.kept)), await canFetch(withToken(login, third.kept))]).toEqual([
    false,
    true,
  ]);
  expect([await tokenNames(login), third.kept.state.token]).toEqual([["workstation-test-2"], second.kept.state.token]);
  nowMs -= 60 * DAY_MS;
  expect((await provider.up(TOKEN, wish, third.kept)).did).toBe("same");
  nowMs += 60 * DAY_MS;
});

test("another generation ends the former token and the one before it at once", async () => {
  const { login } = await world.person("another-generation");
  await provider.up(COLLABORATOR, { ...place(), login, permission: "write" });
  const first = await provider.up(TOKEN, tokenWish(login));
  nowMs += 30 * DAY_MS;
  const second = await provider.up(TOKEN, tokenWish(login), first.kept);
  const raised = await provider.up(TOKEN, { ...tokenWish(login), generation: 2 }, second.kept);
  nowMs -= 30 * DAY_MS;
  const fetches = [first, second, raised].map(({ kept }) => canFetch(withToken(login, kept)));
  expect(await Promise.all(fetches)).toEqual([false, false, true]);
});

test("two runs that know nothing of each other leave one token, and a person's own tokens are not touched", async () => {
  const person = await world.person("twice");
  await world.forge.api.ask(
    "POST",
    `users/${person.login}/tokens`,
    { name: "workstation-tests-own", scopes: ["read:user"] },
    person,
  );
  const first = await provider.up(TOKEN, tokenWish(person.login));
  const second = await provider.up(TOKEN, tokenWish(person.login));
  expect(await tokenNames(person.login)).toEqual(["workstation-test-2", "workstation-tests-own"]);
  await provider.up(COLLABORATOR, { ...place(), login: person.login, permission: "write" });
  expect([
    await canFetch(withToken(person.login, first.kept)),
    await canFetch(withToken(person.login, second.kept)),
  ]).toEqual([false, true]);
  await provider.delete(second.kept);
  expect(await tokenNames(person.login)).toEqual(["workstation-tests-own"]);
});

test("a token that somebody revoked by hand is gone for a refresh, and issued anew", async () => {
  const { login } = await world.person("revoked");
  const { kept } = await provider.up(TOKEN, tokenWish(login));
  await world.forge.api.ask("DELETE", `users/${login}/tokens/${kept.state.tokenId}`);
  expect(await provider.refresh(kept)).toBeUndefined();
});

test("the account of somebody who left may be gone altogether", async () => {
  const { login } = await world.person("vanished");
  const { kept } = await provider.up(TOKEN, tokenWish(login));
  const place0 = { ...place(), login };
  const joined = await provider.up(COLLABORATOR, { ...place0, permission: "write" });
  expect((await world.forge.api.ask("DELETE", `admin/users/${login}?purge=true`)).status).toBe(204);
  await provider.delete(kept);
  const left = await provider.up(COLLABORATOR, { ...place0, permission: "none" }, joined.kept);
  expect(left.kept.state).toMatchObject({ permission: "none", effective: "none" });
});

test("who renamed their account and then leaves is cut off under the new name; who stays is named", async () => {
  const someone = await world.person("renaming");
  const place0 = { ...place(), login: someone.login };
  const joined = await provider.up(COLLABORATOR, { ...place0, permission: "write" });
  const { kept } = await provider.up(TOKEN, tokenWish(someone.login));
  expect(await canFetch(withToken(someone.login, kept))).toBe(true);
  const now = `${someone.login}-new`;
  const rename = (was: string, is: string) =>
    world.forge.api.ask("POST", `admin/users/${was}/rename`, { new_username: is });
  expect((await rename(someone.login, now)).status).toBe(204);
  const renamed = new RegExp(`"${someone.login}" was renamed to "${now}" by its owner`);
  nowMs += 40 * DAY_MS;
  await expect(provider.up(TOKEN, tokenWish(someone.login), kept)).rejects.toThrow(renamed);
  nowMs -= 40 * DAY_MS;
  expect((await provider.refresh(kept))?.state.tokenId).toBe(kept.state.tokenId);

  await provider.up(TOKEN, { ...tokenWish(someone.login), revoked: true }, kept);
  await provider.up(COLLABORATOR, { ...place0, permission: "none" }, joined.kept);
  expect([await canFetch(withToken(now, kept)), await tokenNames(now)]).toEqual([false, []]);
  expect(await collaborators()).not.toContain(now);
});

test("a row that follows a rename keeps access and token, although the resources of the former login are deleted", async () => {
  const someone = await world.person("followed");
  const was = await provider.up(COLLABORATOR, { ...place(), login: someone.login, permission: "write" });
  const { kept: formerToken } = await provider.up(TOKEN, tokenWish(someone.login));
  const now = `${someone.login}-new`;
  await world.forge.api.ask("POST", `admin/users/${someone.login}/rename`, { new_username: now });

  // As the engine does it: what is new is made first, and what is not declared any more is deleted at the end.
  await provider.up(COLLABORATOR, { ...place(), login: now, permission: "write" });
  const { kept: token } = await provider.up(TOKEN, tokenWish(now));
  await provider.delete(was.kept);
  await provider.delete(formerToken);
  expect(await collaborators()).toContain(now);
  expect([await canFetch(withToken(now, token)), await canFetch(withToken(now, formerToken))]).toEqual([true, false]);
});

test("a former name that somebody else took since leads to nothing of theirs", async () => {
  const someone = await world.person("first");
  const { kept } = await provider.up(TOKEN, tokenWish(someone.login));
  const now = `${someone.login}-new`;
  await world.forge.api.ask("POST", `admin/users/${someone.login}/rename`, { new_username: now });
  const account = { username: someone.login, email: `other-${someone.login}@lab.example`, password: "Another-one-7" };
  expect((await world.forge.api.ask("POST", "admin/users", { ...account, must_change_password: false })).status).toBe(
    201,
  );
  const other = { login: someone.login, password: account.password };
  const own = { name: "workstation-test-9", scopes: ["read:user"] };
  await world.forge.api.ask("POST", `users/${someone.login}/tokens`, own, other);
  await provider.delete(kept);
  expect([await tokenNames(now), await tokenNames(someone.login)]).toEqual([[], ["workstation-test-9"]]);
});
