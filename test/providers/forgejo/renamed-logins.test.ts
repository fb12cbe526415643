/** Tests what is said when somebody on a list of the forge has renamed their account: the forge itself refuses such a list. */

import { afterAll, beforeAll, expect, test } from "vitest";
import type { Driven } from "../../e2e/fixtures/resource-lifecycle.ts";
import { type FakeForge, fakeForge, REPOSITORY } from "./fake-forge.ts";

let forge: FakeForge;
let provider: Driven;

/** A forge on which `ebarzin` is called `emil` today, another account than before is called `wizard`, and which refuses a list with a name that it does not know. */
beforeAll(async () => {
  forge = await fakeForge((method, url) => {
    const [path = "", query = ""] = url.split("?");
    const found = (body: object) => ({ status: 200, body });
    if (method !== "GET") return { status: 404, body: { message: "User does not exist" } };
    if (path === "/users/ebarzin") return { status: 307, body: {}, headers: { location: "/api/v1/users/emil" } };
    if (path === "/users/emil") return found({ id: 5, login: "emil" });
    if (path === "/users/wizard") return found({ id: 6, login: "wizard" });
    if (path === "/users/search")
      return found({ ok: true, data: query.includes("uid=9") ? [{ id: 9, login: "wizard2" }] : [] });
    if (path === `${REPOSITORY}/tag_protections`)
      return found([{ id: 1, name_pattern: "confirm/*", whitelist_usernames: ["emil"], whitelist_teams: [] }]);
    if (path !== `${REPOSITORY}/branch_protections/master`) return undefined;
    const lists = { push_whitelist_usernames: ["emil"], merge_whitelist_usernames: ["emil"] };
    const switches = { enable_push: true, enable_push_whitelist: true, enable_merge_whitelist: true };
    return found({ rule_name: "master", push_whitelist_deploy_keys: false, ...switches, ...lists });
  });
  ({ provider } = forge);
});
afterAll(() => forge.end());

const people = ["ebarzin", "wizard"];
const place = { owner: "ops", repo: "infra" };

test.each([
  ["BranchWriters", { ...place, branch: "master", push: people, merge: people, members: [] }],
  ["TagProtection", { ...place, pattern: "confirm/*", pushers: people }],
])("%s names the present login of somebody who was renamed, and writes no list", async (type, inputs) => {
  await expect(provider.up(`forgejo:index:${type}`, inputs)).rejects.toThrow(
    'the forge account "ebarzin" was renamed to "emil" by its owner (id 5); write login: emil and previously: {forgejo_login: ebarzin} in its row',
  );
  expect(forge.writes()).toEqual([]);
});

test.each([
  ["is called wizard2 now", 9, /"wizard" was renamed to "wizard2" by its owner \(id 9\)/],
  ["is gone", 8, /the forge account "wizard" of id 8 is gone, and another account may have its login/],
])("a login that somebody else took gets nothing on a list where the account before %s", async (_, id, expected) => {
  for (const [type, wish, more] of [
    ["BranchWriters", { ...place, branch: "master", push: ["wizard"], merge: ["wizard"], members: [] }, { teams: [] }],
    ["TagProtection", { ...place, pattern: "confirm/*", pushers: ["wizard"] }, { gaps: [] }],
  ] as const) {
    const lists = "push" in wish ? { push: [], merge: [] } : { pushers: [] };
    const state = { ...wish, ...lists, ...more, accountIds: { wizard: id } };
    const kept = { type: `forgejo:index:${type}`, id: "ops/infra/x", inputs: { ...wish, ...lists }, state };
    await expect(provider.up(kept.type, wish, kept)).rejects.toThrow(expected);
  }
  expect(forge.writes()).toEqual([]);
});

test("a list of a state without ids is written anew although its logins are as wanted, so that their ids are recorded", async () => {
  const lists = { push: ["wizard"], merge: ["wizard"], members: [] };
  const writers = { ...place, branch: "master", ...lists };
  const kept = (accountIds: Readonly<Record<string, number>>) => ({
    ...{ type: "forgejo:index:BranchWriters", id: "ops/infra/master", inputs: writers },
    state: { ...writers, teams: [], accountIds },
  });
  expect(await provider.diff(kept({}), writers)).toEqual(["push"]);
  expect(await provider.diff(kept({ wizard: 6 }), writers)).toEqual([]);
});

test("the ids of the branch's lists outlive a rule that a hand removed", async () => {
  const writers = { ...place, branch: "gone", push: ["wizard"], merge: ["wizard"], members: [] };
  const state = { ...writers, teams: [], accountIds: { wizard: 8 } };
  const kept = { type: "forgejo:index:BranchWriters", id: "ops/infra/gone", inputs: writers, state };
  const found = await provider.refresh(kept);
  expect(found?.state).toMatchObject({ push: [], merge: [], accountIds: { wizard: 8 } });
});
