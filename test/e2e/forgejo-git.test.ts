/** Who may do what to the protected branch: 42 cells, each tried with git itself or the forge's API. Needs root. */
import { existsSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { activityBetween } from "../../ci/push/forge-activity.ts";
import type { ForgeLogin } from "../../lab/forge/index.ts";
import { openForge } from "../../clients/forgejo/client.ts";
import { forgejoProvider } from "../../providers/forgejo/provider.ts";
import { Secret } from "../../providers/runtime/property-values.ts";
import { type Between, standBetween } from "./fixtures/recording-proxy.ts";
import { drive, type Driven } from "./fixtures/resource-lifecycle.ts";
import { type Actor, type ForgeWorld, openForgeWorld } from "./fixtures/forge-fixture.ts";
import { DESCRIPTION, strangeTo } from "./fixtures/forgejo-description.ts";

let world: ForgeWorld;
let between: Between;
let provider: Driven;
const actors = new Map<string, Actor>();
const place = () => ({ owner: world.owner, repo: world.repo, branch: "master" });

beforeAll(async () => {
  world = await openForgeWorld("git");
  between = await standBetween(world.forge.url);
  const { adminUser, adminPassword } = world.forge;
  provider = await drive(forgejoProvider(), {
    url: between.url,
    username: adminUser,
    password: new Secret(adminPassword),
  });
  const listed = await world.person("listed");
  const writer = await world.person("writer");
  const reader = await world.person("reader");
  const { owner, repo, branch } = place();
  await provider.up("forgejo:index:BranchProtection", { ...place(), deployKeys: true });
  for (const { login } of [listed, writer]) {
    await provider.up("forgejo:index:Collaborator", { owner, repo, login, permission: "write" });
  }
  await provider.up("forgejo:index:Collaborator", { owner, repo, login: reader.login, permission: "read" });
  const push = [adminUser, listed.login];
  await provider.up("forgejo:index:BranchWriters", {
    owner,
    repo,
    branch,
    push,
    merge: push,
    members: [listed.login, writer.login],
  });
  const key = await world.keyPair("deploy");
  const made = await world.api(world.forge.admin, "POST", "/keys", {
    title: "ci",
    key: key.publicKey,
    read_only: false,
  });
  expect(made.status).toBe(201);
  for (const [name, actor] of Object.entries({
    admin: world.forge.admin,
    listed,
    writer,
    reader,
    key,
    anonymous: "anonymous" as const,
  })) {
    actors.set(name, actor);
  }
});
afterAll(async () => {
  await between.close();
  await world.end();
});

const master = async () => {
  const tip = await world.tip("refs/heads/master");
  if (tip === undefined) throw new Error("master is gone");
  return tip;
};
/** The API knows no deploy keys: whoever has only a key asks it as nobody. */
const login = (actor: Actor): ForgeLogin => (typeof actor === "object" && "login" in actor ? actor : "anonymous");

/** Each says whether it was done, and looks at the branch itself rather than at what the forge said. */
const OPERATIONS: Readonly<Record<string, (actor: Actor) => Promise<boolean>>> = {
  push: async (actor) => {
    const commit = await world.commit(await master());
    await world.push(actor, `${commit}:refs/heads/master`);
    return (await master()) === commit;
  },
  "force-push": async (actor) => {
    const before = await master();
    const commit = await world.commit(`${before}~1`);
    await world.push(actor, `+${commit}:refs/heads/master`, "--force");
    return (await master()) !== before;
  },
  delete: async (actor) => {
    await world.push(actor, ":refs/heads/master");
    await world.api(login(actor), "DELETE", "/branches/master");
    return (await world.tip("refs/heads/master")) === undefined;
  },
  merge: async (actor) => {
    const topic = `topic-${Date.now()}`;
    await world.push(world.forge.admin, `${await world.commit(await master())}:refs/heads/${topic}`);
    const made = await world.api(world.forge.admin, "POST", "/pulls", { head: topic, base: "master", title: topic });
    const { number } = made.body as { number: number };
    const before = await master();
    await world.api(login(actor), "POST", `/pulls/${number}/merge`, { Do: "merge" });
    return (await master()) !== before;
  },
  "edit the protection": async (actor) => {
    const { status } = await world.api(login(actor), "PATCH", "/branch_protections/master", { required_approvals: 0 });
    return status === 200;
  },
  "rename the branch": async (actor) => {
    await world.api(login(actor), "PATCH", "/branches/master", { name: "elsewhere" });
    const away = (await world.tip("refs/heads/master")) === undefined;
    if (away) await world.api(world.forge.admin, "PATCH", "/branches/elsewhere", { name: "master" });
    return away;
  },
  "push a tag": async (actor) => {
    const tag = `refs/tags/t-${Date.now()}`;
    await world.push(actor, `${await master()}:${tag}`);
    return (await world.tip(tag)) !== undefined;
  },
};

/** An admin of the forge is trusted with it: they may edit the rule (a refresh puts it right) and rename the branch under it. */
const MAY: Readonly<Record<string, readonly string[]>> = {
  admin: ["push", "merge", "edit the protection", "rename the branch", "push a tag"],
  listed: ["push", "merge", "push a tag"],
  writer: ["push a tag"],
  reader: [],
  key: ["push", "push a tag"],
  anonymous: [],
};

const CELLS = Object.entries(MAY).flatMap(([who, may]) =>
  Object.keys(OPERATIONS).map((what) => [who, may.includes(what) ? "may" : "may not", what] as const),
);

test.each(CELLS)("%s %s %s", async (who, may, what) => {
  const actor = actors.get(who);
  const operation = OPERATIONS[what];
  if (actor === undefined || operation === undefined) throw new Error("no such cell");
  expect((await operation(actor)) ? "may" : "may not").toBe(may);
});

test("there are 42 cells", () => {
  expect(CELLS).toHaveLength(42);
});

test("another branch cannot take the protected one's place by a rename", async () => {
  const before = await master();
  const writer = login(actors.get("writer") ?? "anonymous");
  await world.push(writer, `${await world.commit(before)}:refs/heads/usurper`);
  const { status } = await world.api(writer, "PATCH", "/branches/usurper", { name: "master" });
  expect([status === 204, await master()]).toEqual([false, before]);
});

test("a collaborator's branch comes in by a pull request that somebody listed merges", async () => {
  const writer = login(actors.get("writer") ?? "anonymous");
  const before = await master();
  const commit = await world.commit(before);
  expect((await world.push(writer, `${commit}:refs/heads/idea`)).ok).toBe(true);
  const made = await world.api(writer, "POST", "/pulls", { head: "idea", base: "master", title: "An idea" });
  const { number } = made.body as { number: number };
  const own = await world.api(writer, "POST", `/pulls/${number}/merge`, { Do: "merge" });
  expect([own.status === 200, await master()]).toEqual([false, before]);
  const listed = login(actors.get("listed") ?? "anonymous");
  expect((await world.api(listed, "POST", `/pulls/${number}/merge`, { Do: "merge" })).status).toBe(200);
  expect(await master()).not.toBe(before);
});

test("a key that may only read does not push", async () => {
  const { keyFile, publicKey } = await world.keyPair("reading");
  await world.api(world.forge.admin, "POST", "/keys", { title: "mirror", key: publicKey, read_only: true });
  expect(await OPERATIONS.push?.({ keyFile })).toBe(false);
});

test("a deploy key's push of the branch or of a tag identifies nobody, although the record names the owner", async () => {
  const key = actors.get("key") ?? "anonymous";
  const { owner, repo } = place();
  const { url, adminUser, adminPassword } = world.forge;
  const before = await master();
  const commit = await world.commit(before);
  expect((await world.push(key, `${commit}:refs/heads/master`)).ok).toBe(true);
  expect((await world.push(key, `${await world.tagObject(commit)}:refs/tags/confirm/${commit}`)).ok).toBe(true);
  const git = { commit: async (name: string) => name, isAncestor: async (older: string) => older === before };
  const forge = openForge({ url, username: adminUser, password: adminPassword, timeoutMs: 20_000, pauseMs: 500 });
  const repository = {
    ...{ forge, full: `${owner}/${repo}`, login: adminUser },
    at: (...rest: readonly string[]) => ["repos", owner, repo, ...rest],
  };
  const entries = async () => {
    const { body } = await world.api(world.forge.admin, "GET", "/activities/feeds?limit=10");
    return (body as { op_type: string; ref_name: string; content: string; act_user: { login: string } }[]).filter(
      ({ content }) => content.includes(commit),
    );
  };
  // The forge writes its record a moment after the push.
  await expect.poll(async () => (await entries()).length, { timeout: 20_000 }).toBe(2);
  expect((await entries()).map(({ act_user }) => act_user.login)).toEqual([owner, owner]);
  const { pushes, tags } = await activityBetween(repository, git, { branch: "master", from: before, to: commit }, []);
  expect([pushes, [...tags.keys()].filter((tag) => tag.includes(commit))]).toEqual([
    [{ pusher: undefined, from: before, to: commit }],
    [],
  ]);
});

test.skipIf(!existsSync(DESCRIPTION))("every call of the provider is one that Forgejo's own description has", () => {
  expect(between.seen.length).toBeGreaterThan(15);
  // The lab's server is Gitea, and is sent what it calls the switches of the same meaning; Forgejo never gets those.
  const ofGitea =
    / (\/|) ?must NOT have additional properties \{"additionalProperty":"(block_admin_merge_override|enable_force_push)"\}$/;
  expect(between.seen.flatMap(strangeTo).filter((sentence) => !ofGitea.test(sentence))).toEqual([]);
});

test.skipIf(!existsSync(DESCRIPTION))(
  "what is sent to a Forgejo is what Forgejo describes, and admins are bound by its own switch",
  async () => {
    // A Forgejo cannot be built here: a Gitea that says it is one gets what a Forgejo would.
    between.seen.length = 0;
    between.fate = ({ path }) =>
      path.endsWith("/version") ? { status: 200, body: '{"version":"10.0.0+gitea-1.22.0"}' } : "pass";
    await provider.up("forgejo:index:BranchProtection", { ...place(), deployKeys: true });
    between.fate = () => "pass";
    const written = between.seen
      .filter(({ method }) => method === "PATCH")
      .map(({ body }) => JSON.parse(body) as object);
    expect(between.seen.flatMap(strangeTo)).toEqual([]);
    expect(written).toEqual([expect.objectContaining({ apply_to_admins: true })]);
  },
);
