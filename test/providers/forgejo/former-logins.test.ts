/**
 * Tests when access to the forge ends: a login that somebody gave up loses it by a change of its resources, a renamed account
 * keeps its own, and another holder or another generation replaces a token at once.
 */

import { afterEach, beforeEach, expect, test } from "vitest";
import { forgejoProvider } from "../../../providers/forgejo/provider.ts";
import { type PropertyMap, UNKNOWN } from "../../../providers/runtime/property-values.ts";
import type { Driven } from "../../e2e/fixtures/resource-lifecycle.ts";
import { type FakeForge, fakeForge, REPOSITORY } from "./fake-forge.ts";

const COLLABORATOR = "forgejo:index:Collaborator";
const TOKEN = "forgejo:index:AccessToken";
const IDS: Readonly<Record<string, number>> = { bob: 5, robert: 8 };

/** The part of a forge that the two resources use. */
let accounts: Map<string, number>;
let collaborators: Set<string>;
let tokens: { id: number; name: string; of: number }[];
let forge: FakeForge;
let provider: Driven;
let serial = 0;

const reply = (method: string, url: string, sent: unknown) => {
  const [path = "", query = ""] = url.split("?");
  const [, kind, login = "", rest = "", token = ""] = path.split("/");
  const id = accounts.get(login);
  if (path.startsWith(`${REPOSITORY}/collaborators/`)) {
    const [, who = "", what] = path.replace(REPOSITORY, "").slice(1).split("/");
    if (what === "permission") return ok({ permission: collaborators.has(who) ? "write" : "none" });
    if (method === "GET") return collaborators.has(who) ? NO_CONTENT : undefined;
    if (method === "PUT") collaborators.add(who);
    else collaborators.delete(who);
    return NO_CONTENT;
  }
  if (kind !== "users") return undefined;
  if (login === "search") {
    const wanted = [...accounts].filter(([, number]) => query === `uid=${number}`);
    return ok({ ok: true, data: wanted.map(([name, number]) => ({ id: number, login: name })) });
  }
  if (id === undefined) return undefined;
  if (rest === "") return ok({ id, login });
  if (method === "GET") return ok(query.includes("page=1&") ? tokens.filter(({ of }) => of === id) : []);
  if (method === "DELETE") tokens = tokens.filter((one) => String(one.id) !== token);
  if (method === "DELETE") return NO_CONTENT;
  const made = { id: ++serial, name: (sent as { name: string }).name, of: id };
  tokens.push(made);
  return { status: 201, body: { ...made, sha1: String(made.id).padStart(40, "0") } };
};
const ok = (body: object) => ({ status: 200, body });
const NO_CONTENT = { status: 204, body: "" };

beforeEach(async () => {
  accounts = new Map(Object.entries(IDS));
  [collaborators, tokens] = [new Set(), []];
  forge = await fakeForge(reply);
  ({ provider } = forge);
});
afterEach(() => forge.end());

const member = (login: string, permission: string, successor: string | null = null) => ({
  ...{ owner: "ops", repo: "infra", login, permission, successor },
});
const token = (login: string, more: object = {}) => ({
  ...{ login, name: "workstation-test", scopes: ["write:repository"], rotateAfterDays: 30, overlapDays: 3 },
  ...{ generation: 1, revoked: false, holder: 20_001, successor: null, ...more },
});

test("a login that was given up loses its place and its token by a change, and the next run writes nothing", async () => {
  const joined = await provider.up(COLLABORATOR, member("bob", "write"));
  const issued = await provider.up(TOKEN, token("bob"));
  const gone = [member("bob", "none", "robert"), token("bob", { revoked: true, holder: null, successor: "robert" })];
  const left = await provider.up(COLLABORATOR, gone[0] ?? {}, joined.kept);
  const revoked = await provider.up(TOKEN, gone[1] ?? {}, issued.kept);
  expect([left.did, revoked.did, [...collaborators], tokens]).toEqual(["updated", "updated", [], []]);
  const writes = forge.writes();
  for (const [kept, wish] of [
    [left.kept, gone[0]],
    [revoked.kept, gone[1]],
  ] as const)
    expect((await provider.up(kept.type, wish ?? {}, await provider.refresh(kept))).did).toBe("same");
  expect(forge.writes()).toEqual(writes);
});

test("an account whose owner renamed it keeps its access under the login of today, in either order", async () => {
  const joined = await provider.up(COLLABORATOR, member("bob", "write"));
  const issued = await provider.up(TOKEN, token("bob"));
  // The account of id 5 is called emil today, and nobody is called bob.
  accounts = new Map([["emil", 5]]);
  collaborators = new Set(["emil"]);
  const renewed = await provider.up(TOKEN, token("emil"));
  const successor = "emil";
  const former = await provider.up(COLLABORATOR, member("bob", "none", successor), joined.kept);
  const revoked = await provider.up(TOKEN, token("bob", { revoked: true, holder: null, successor }), issued.kept);
  await provider.up(COLLABORATOR, member("emil", "write"));
  expect([[...collaborators], tokens.map(({ id }) => id)]).toEqual([["emil"], [renewed.kept.state.tokenId]]);
  for (const { kept } of [former, revoked]) {
    expect(kept.state).toMatchObject({ accountId: null });
    expect((await provider.up(kept.type, kept.inputs, await provider.refresh(kept))).did).toBe("same");
    await provider.delete(kept);
  }
  expect([[...collaborators], tokens.map(({ id }) => id)]).toEqual([["emil"], [renewed.kept.state.tokenId]]);
});

test("a token of an account that passes to somebody else ends, and the new holder gets another", async () => {
  const first = await provider.up(TOKEN, token("bob"));
  const same = await provider.up(TOKEN, token("bob"), first.kept);
  const passed = await provider.up(TOKEN, token("bob", { holder: 20_002 }), same.kept);
  expect([same.did, passed.did, tokens.map(({ id }) => id)]).toEqual(["same", "updated", [passed.kept.state.tokenId]]);
  expect(passed.kept.state.tokenId).not.toBe(first.kept.state.tokenId);
});

test("a state of a former version takes note of the holder, and the token stays", async () => {
  const first = await provider.up(TOKEN, token("bob", { holder: null }));
  const noted = await provider.up(TOKEN, token("bob"), first.kept);
  expect([noted.did, noted.kept.state.tokenId, noted.kept.state.holder]).toEqual([
    "updated",
    first.kept.state.tokenId,
    20_001,
  ]);
});

test("another generation revokes every token of the name, also one in its overlap, and issues another", async () => {
  const first = await provider.up(TOKEN, token("bob"));
  const second = await provider.up(
    TOKEN,
    token("bob", { scopes: ["read:repository", "write:repository"] }),
    first.kept,
  );
  expect(tokens.map(({ id }) => id)).toEqual([first.kept.state.tokenId, second.kept.state.tokenId]);
  const wish = { ...second.kept.inputs, generation: 2 };
  const raised = await provider.up(TOKEN, wish, second.kept);
  expect([raised.did, tokens.map(({ id }) => id)]).toEqual(["updated", [raised.kept.state.tokenId]]);
  expect(raised.kept.state).toMatchObject({ previousId: null, retireAtMs: null, generation: 2 });
  expect((await provider.up(TOKEN, wish, await provider.refresh(raised.kept))).did).toBe("same");
});

test("a preview of another generation shows that another token comes", async () => {
  const { kept } = await provider.up(TOKEN, token("bob"));
  const writes = forge.writes();
  const log = { debug: () => undefined, progress: () => undefined, info: () => undefined, warning: () => undefined };
  const call = { urn: "x", name: "x", type: TOKEN, signal: new AbortController().signal, timeoutMs: undefined, log };
  const shown = async (inputs: PropertyMap) => {
    const args = { id: kept.id, state: kept.state, oldInputs: kept.inputs, inputs, ignoreChanges: [], preview: true };
    return (await forgejoProvider().resource(TOKEN)?.update?.(args, call))?.token;
  };
  expect([await shown(token("bob")), await shown(token("bob", { generation: 2 }))]).toEqual([
    kept.state.token,
    UNKNOWN,
  ]);
  expect(forge.writes()).toEqual(writes);
});

test("a state without a generation is of the first one: its token stays until the number is raised", async () => {
  const { generation: _, ...former } = token("bob");
  const first = await provider.up(TOKEN, former);
  const { generation: __, ...state } = first.kept.state;
  const kept = { ...first.kept, inputs: former, state };
  expect((await provider.up(TOKEN, token("bob"), kept)).did).toBe("same");
  expect((await provider.up(TOKEN, token("bob", { generation: 2 }), kept)).did).toBe("updated");
  expect(tokens.map(({ id }) => id)).not.toContain(state.tokenId);
});
