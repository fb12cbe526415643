import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { mayOverlap } from "../../../providers/forgejo/resources/tag-overlap.ts";
import type { Reply } from "../../clients/http-server.ts";
import type { Driven } from "../../e2e/fixtures/resource-lifecycle.ts";
import { type FakeForge, fakeForge, REPOSITORY } from "./fake-forge.ts";

const TYPE = "forgejo:index:TagProtection";
const wish = { owner: "ops", repo: "infra", pattern: "confirm/*", pushers: ["wizard"] };

interface Rule {
  readonly id: number;
  readonly name_pattern: string;
  whitelist_usernames: readonly string[];
  whitelist_teams: readonly string[];
}

/** The part of the forge's API that the resource uses, with the refusals that Gitea 1.26 has. */
const forge = {
  rules: [] as Rule[],
  /** People who can see the repository: the forge shows nobody else on a list. */
  readers: ["wizard", "second", "emo", "root"],
  /** Answers a request in the forge's place, by its path. */
  instead: (_path: string): Reply | undefined => undefined,
};
let serial = 0;
const rule = (name_pattern: string, people: readonly string[], teams: readonly string[] = []): Rule => ({
  ...{ id: ++serial, name_pattern, whitelist_usernames: people, whitelist_teams: teams },
});

const shown = (one: Rule) => ({
  ...one,
  whitelist_usernames: one.whitelist_usernames.filter((login) => forge.readers.includes(login)),
});

let server: FakeForge;
let provider: Driven;
beforeAll(async () => {
  server = await fakeForge((method, path, sent) => forge.instead(path) ?? ofRules(method, path, sent as Partial<Rule>));
  ({ provider } = server);
});
afterAll(() => server.end());
beforeEach(() => {
  forge.rules = [];
  forge.instead = () => undefined;
});

function ofRules(method: string, path: string, sent: Partial<Rule>): Reply | undefined {
  const all = `${REPOSITORY}/tag_protections`;
  const login = /^\/users\/([^/]+)$/.exec(path)?.[1];
  if (login !== undefined && forge.readers.includes(login))
    return { status: 200, body: { id: 1 + forge.readers.indexOf(login), login } };
  if (path.startsWith("/users/search")) return { status: 200, body: { ok: true, data: [] } };
  if (path === all && method === "GET") return { status: 200, body: forge.rules.map(shown) };
  if (path === all) {
    if (sent.whitelist_usernames?.length === 0) return { status: 400, body: { message: "both lists are empty" } };
    const made = rule(sent.name_pattern ?? "", sent.whitelist_usernames ?? []);
    forge.rules.push(made);
    return { status: 201, body: shown(made) };
  }
  const found = forge.rules.find(({ id }) => path === `${all}/${id}`);
  if (found === undefined) return undefined;
  if (method === "DELETE") {
    forge.rules = forge.rules.filter((one) => one !== found);
    return { status: 204, body: "" };
  }
  Object.assign(found, sent);
  return { status: 200, body: shown(found) };
}

const lists = () => forge.rules.map((one) => [one.name_pattern, one.whitelist_usernames, one.whitelist_teams]);
const refresh = async (kept: Parameters<Driven["refresh"]>[0]) => {
  const found = await provider.refresh(kept);
  if (found === undefined) throw new Error("the rule is gone");
  return found;
};

test("only the listed people are on the rule, and a second run writes nothing", async () => {
  const { did, kept } = await provider.up(TYPE, wish);
  expect([did, lists()]).toEqual(["created", [["confirm/*", ["wizard"], []]]]);
  const writes = server.writes();
  expect((await provider.up(TYPE, wish, await refresh(kept))).did).toBe("same");
  expect(server.writes()).toEqual(writes);
});

test("a state without ids, as an earlier version or an import leaves it, is updated once although its list is as wanted", async () => {
  const { kept } = await provider.up(TYPE, wish);
  const { accountIds, ...earlier } = kept.state;
  const imported = await provider.import(TYPE, kept.id);
  expect(accountIds).toEqual({ wizard: 1 });
  for (const without of [{ ...kept, state: earlier }, imported]) {
    const { did, kept: updated } = await provider.up(TYPE, wish, without);
    expect([did, updated.state.accountIds]).toEqual(["updated", { wizard: 1 }]);
    expect((await provider.up(TYPE, wish, updated)).did).toBe("same");
  }
});

test("a rule of that pattern that exists already is taken over, and its teams and other people are taken off", async () => {
  forge.rules = [rule("v*", ["emo"]), rule("confirm/*", ["emo", "wizard"], ["developers"])];
  await provider.up(TYPE, wish);
  expect(lists()).toEqual([
    ["v*", ["emo"], []],
    ["confirm/*", ["wizard"], []],
  ]);
});

test("where no admin has a login, nobody may push such a tag", async () => {
  await provider.up(TYPE, { ...wish, pushers: [] });
  expect(lists()).toEqual([["confirm/*", [], []]]);
});

test("a rule that a hand edited or removed is found by a refresh and repaired", async () => {
  const { kept } = await provider.up(TYPE, wish);
  const mine = forge.rules[0];
  if (mine === undefined) throw new Error("no rule was made");
  mine.whitelist_usernames = ["wizard", "emo"];
  expect((await provider.up(TYPE, wish, await refresh(kept))).did).toBe("updated");
  mine.whitelist_teams = ["developers"];
  expect((await provider.up(TYPE, wish, await refresh(kept))).did).toBe("updated");
  expect(lists()).toEqual([["confirm/*", ["wizard"], []]]);
  forge.rules = [];
  const { did, kept: again } = await provider.up(TYPE, wish, await refresh(kept));
  expect([did, lists(), again.state.gaps]).toEqual(["updated", [["confirm/*", ["wizard"], []]], []]);
});

test("the ids of a rule outlive its removal by a hand and its move, so that nobody inherits a login's rights with it", async () => {
  const state = { ...wish, gaps: [], accountIds: { wizard: 99 } };
  const kept = { ...(await provider.up(TYPE, wish)).kept, state };
  forge.rules = [];
  const gone = await refresh(kept);
  expect(gone.state).toMatchObject({ pushers: [], accountIds: { wizard: 99 } });
  for (const wanted of [wish, { ...wish, pattern: "approve/*" }])
    await expect(provider.up(TYPE, wanted, gone)).rejects.toThrow('the forge account "wizard" of id 99 is gone');
  expect(forge.rules).toEqual([]);
});

test("a moved rule is read where it is now", async () => {
  const { kept } = await provider.up(TYPE, wish);
  const { did, kept: moved } = await provider.up(TYPE, { ...wish, pattern: "approve/*" }, kept);
  expect([did, (await refresh(moved)).state.pattern]).toEqual(["updated", "approve/*"]);
});

test("another rule that lets more people push such a tag is an error that names them and the remedy", async () => {
  const { kept } = await provider.up(TYPE, wish);
  for (const pattern of ["*", "con*", "confirm/0*", "/^confirm/", "confirm/*"]) {
    forge.rules = [...forge.rules.slice(0, 1), rule(pattern, ["wizard", "emo"])];
    const found = await refresh(kept);
    await expect(provider.up(TYPE, wish, found)).rejects.toThrow(
      `ops/infra/confirm/* is not protected as it should be: the rule "${pattern}" may let emo push them too: take them off its list`,
    );
  }
  forge.rules = [...forge.rules.slice(0, 1), rule("*", ["WIZARD"]), rule("v*", ["emo"])];
  expect((await provider.up(TYPE, wish, await refresh(kept))).did).toBe("same");
});

test("an admin whom the forge does not show on the list is named, with the remedy", async () => {
  await expect(provider.up(TYPE, { ...wish, pushers: ["wizard", "outsider"] })).rejects.toThrow(
    /does not show outsider on the rule's list\. .*make them a member of its organisation or an owner/,
  );
});

test("a forge without such rules in its API is told apart from a repository without rules", async () => {
  const { kept } = await provider.up(TYPE, wish);
  forge.instead = (path) =>
    path.includes("tag_protections") ? { status: 404, body: "404 page not found" } : undefined;
  const expected =
    /version 1\.22\.6 has no tag rules in its API; Gitea 1\.23 or Forgejo 8 and later have them: upgrade/;
  await expect(provider.refresh(kept)).rejects.toThrow(expected);
  await expect(provider.up(TYPE, wish)).rejects.toThrow(expected);
});

test.each([
  ["a page", 200, "text/html", "<html>sign in first</html>", /its answer is not JSON/],
  ["a redirect", 301, "text/plain", "", /it is redirected/],
  ["something else", 200, "application/json", '{"message":"hello"}', /not of the expected form/],
  ["a rule without a list", 200, "application/json", "null", /not of the expected form/],
])("%s in the place of the rules is an error and no absence", async (_what, status, type, body, said) => {
  const { kept } = await provider.up(TYPE, wish);
  forge.instead = () => ({ status, body, headers: { "content-type": type, location: "http://127.0.0.1:9/" } });
  await expect(provider.refresh(kept)).rejects.toThrow(said);
});

test.each([
  ["confirm/abc", true],
  ["confirm/*", true],
  ["*firm/abc", true],
  ["c?nfirm/*", true],
  ["{confirm,release}/*", true],
  ["\\confirm/*", true],
  ["/v.*/", true],
  ["confirm", false],
  ["con", false],
  ["v*", false],
  ["confirmed/*", false],
])("the pattern %s may match a tag of confirm/*: %s", (pattern, may) => {
  expect([mayOverlap(pattern, "confirm/*"), mayOverlap("confirm/*", pattern)]).toEqual([may, may]);
});
