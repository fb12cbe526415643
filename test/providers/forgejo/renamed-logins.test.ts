/** Tests what is said when somebody on a list of the forge has renamed their account: the forge itself refuses such a list. */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { forgejoProvider } from "../../../providers/forgejo/provider.ts";
import { Secret } from "../../../providers/runtime/property-values.ts";
import { drive, type Driven } from "../../e2e/fixtures/resource-lifecycle.ts";

const writes: string[] = [];

/** A forge on which `ebarzin` is called `emil` today, another account than before is called `wizard`, and which refuses a list with a name that it does not know. */
const server = createServer((request, reply) => {
  const path = request.url?.replace("/api/v1", "").replace(/\?.*/, "") ?? "";
  const answer = (status: number, body: unknown, headers = {}) =>
    reply.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
  if (request.method !== "GET") {
    writes.push(`${request.method} ${path}`);
    return answer(404, { message: "User does not exist" });
  }
  const user = (id: number, login: string) => answer(200, { id, login });
  if (path === "/users/ebarzin") return answer(307, {}, { location: "/api/v1/users/emil" });
  if (path === "/users/emil") return user(5, "emil");
  if (path === "/users/wizard") return user(6, "wizard");
  if (path === "/users/search")
    return answer(200, { ok: true, data: request.url?.includes("uid=9") ? [{ id: 9, login: "wizard2" }] : [] });
  if (path === "/version") return answer(200, { version: "1.22.6" });
  if (path === "/repos/ops/infra") return answer(200, { full_name: "ops/infra" });
  if (path.endsWith("/tag_protections"))
    return answer(200, [{ id: 1, name_pattern: "confirm/*", whitelist_usernames: ["emil"], whitelist_teams: [] }]);
  if (path.endsWith("/branch_protections/master")) {
    const lists = { push_whitelist_usernames: ["emil"], merge_whitelist_usernames: ["emil"] };
    const switches = { enable_push: true, enable_push_whitelist: true, enable_merge_whitelist: true };
    return answer(200, { rule_name: "master", push_whitelist_deploy_keys: false, ...switches, ...lists });
  }
  return answer(404, { message: "not found" });
});

let provider: Driven;
beforeAll(async () => {
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  provider = await drive(forgejoProvider(), {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ...{ username: "root", password: new Secret("password-of-root"), timeoutSeconds: "5", pauseMs: "1" },
  });
});
afterAll(() => server.close());

const people = ["ebarzin", "wizard"];
const place = { owner: "ops", repo: "infra" };

test.each([
  ["BranchWriters", { ...place, branch: "master", push: people, merge: people, members: [] }],
  ["TagProtection", { ...place, pattern: "confirm/*", pushers: people }],
])("%s names the present login of somebody who was renamed, and writes no list", async (type, inputs) => {
  await expect(provider.up(`forgejo:index:${type}`, inputs)).rejects.toThrow(
    'the forge account "ebarzin" was renamed to "emil" by its owner (id 5); write login: emil and previously: {forgejo_login: ebarzin} in its row',
  );
  expect(writes).toEqual([]);
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
  expect(writes).toEqual([]);
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
