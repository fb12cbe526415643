/** Tests a workstation's token in Vault through its life, against a Vault on loopback. */

import { afterEach, beforeEach, expect, test } from "vitest";
import { Secret, UNKNOWN } from "../../../providers/runtime/property-values.ts";
import { vaultPeopleProvider } from "../../../providers/vaultpeople/provider.ts";
import type { Kept } from "../../e2e/fixtures/resource-lifecycle.ts";
import { type FakeVault, fakeVault, FIT, PROGRAM } from "./fake-vault.ts";

let vault: FakeVault;
beforeEach(async () => {
  vault = await fakeVault();
});
afterEach(() => vault.end());

const TYPE = "vaultpeople:index:WorkstationToken";
const wish = (more: object = {}) => ({
  ...{ name: "workstation-claude-ana", role: "workstation-claude", rotateAfterDays: 30, overlapDays: 3, generation: 1 },
  ...{ revoked: false, ...more },
});
const up = (more?: object, kept?: Kept) => vault.provider.up(TYPE, wish(more), kept);
const tokenOf = ({ state }: Kept) => (state.token instanceof Secret ? state.token.value : "not secret");
const live = () => [...vault.tokens.keys()];

test("one token with the one policy is issued, is secret, and is left alone by the next run", async () => {
  const { did, kept } = await up();
  expect([did, tokenOf(kept), [...vault.tokens.values()].map(({ policies }) => policies)]).toEqual([
    ...["created", "hvs.secret-1"],
    [["workstation-claude-ana"]],
  ]);
  expect(JSON.stringify({ ...kept.state, token: "" })).not.toContain("hvs.");
  expect((await up({}, kept)).did).toBe("same");
  expect(await vault.provider.refresh(kept)).toEqual(kept);
});

test("it is renewed as itself when half of its life is over, and stays the same token", async () => {
  const { kept } = await up({ rotateAfterDays: 300 });
  vault.clock.days = 15;
  expect((await up({ rotateAfterDays: 300 }, kept)).did).toBe("same");
  vault.clock.days = 16;
  const renewed = await up({ rotateAfterDays: 300 }, kept);
  expect([renewed.did, tokenOf(renewed.kept), vault.writes()]).toEqual([
    ...["updated", "hvs.secret-1"],
    ["create/workstation-claude", "renew-self"],
  ]);
  expect((await up({ rotateAfterDays: 300 }, renewed.kept)).did).toBe("same");
});

test("its age brings another one, and the former one lives until the overlap is over", async () => {
  const { kept } = await up();
  vault.clock.days = 30;
  const rotated = await up({}, kept);
  expect([tokenOf(rotated.kept), live()]).toEqual(["hvs.secret-2", ["accessor-1", "accessor-2"]]);
  vault.clock.days = 33;
  const retired = await up({}, rotated.kept);
  expect([tokenOf(retired.kept), live()]).toEqual(["hvs.secret-2", ["accessor-2"]]);
  expect((await up({}, retired.kept)).did).toBe("same");
});

test.each([
  ["another generation", { generation: 2 }],
  ["another policy", { name: "workstation-claude-anna" }],
])("%s brings another token, after the former one was revoked", async (_what, more) => {
  const { kept } = await up();
  const { kept: after } = await up(more, kept);
  expect([tokenOf(after), live()]).toEqual(["hvs.secret-2", ["accessor-2"]]);
  expect(vault.writes()).toEqual(["create/workstation-claude", "revoke-accessor", "create/workstation-claude"]);
});

test("whoever is parked or left loses it at once with the one of the overlap, and gets another one on return", async () => {
  const { kept } = await up();
  vault.clock.days = 30;
  const rotated = await up({}, kept);
  const revoked = await up({ revoked: true }, rotated.kept);
  expect([tokenOf(revoked.kept), live()]).toEqual(["", []]);
  expect((await up({ revoked: true }, revoked.kept)).did).toBe("same");
  expect(await vault.provider.refresh(revoked.kept)).toEqual(revoked.kept);
  const back = await up({}, revoked.kept);
  expect([tokenOf(back.kept), live()]).toEqual(["hvs.secret-3", ["accessor-3"]]);
  await vault.provider.delete(back.kept);
  expect(live()).toEqual([]);
  await vault.provider.delete(back.kept);
});

test("somebody who never had one is declared without one, after one look for a live one", async () => {
  const { kept } = await up({ revoked: true });
  expect([tokenOf(kept), vault.listings(), vault.writes()]).toEqual(["", 1, []]);
});

/** Rotated, and the former one retired: `backup` is the state before that. */
const rotatedSince = async () => {
  const { kept: backup } = await up();
  vault.clock.days = 30;
  const { kept: rotated } = await up({}, backup);
  vault.clock.days = 33;
  const { kept: retired } = await up({}, rotated);
  expect(live()).toEqual(["accessor-2"]);
  return { backup, rotated, retired };
};

test.each([
  ["parked", { revoked: true }, []],
  ["given another generation", { generation: 2 }, ["accessor-3"]],
  ["given another policy", { name: "workstation-claude-anna" }, ["accessor-3"]],
])("somebody %s in a run on an older state loses the token that it does not know", async (_what, more, left) => {
  const { backup } = await rotatedSince();
  await up(more, backup);
  expect(live()).toEqual(left);
});

test("a rotation on an older state ends the token that it does not know with the overlap", async () => {
  const { kept } = await up();
  vault.clock.days = 30;
  await up({}, kept);
  const { kept: again } = await up({}, kept);
  expect(live()).toEqual(["accessor-1", "accessor-2", "accessor-3"]);
  vault.clock.days = 33;
  await up({}, again);
  expect(live()).toEqual(["accessor-3"]);
});

test("a token that a restored Vault brings back is found by a refresh and revoked by that run", async () => {
  const { kept } = await up();
  const snapshot = [...vault.tokens];
  const { kept: parked } = await up({ revoked: true }, kept);
  for (const [accessor, token] of snapshot) vault.tokens.set(accessor, token);
  const daily = await vault.run();
  const seen = await daily.refresh(parked);
  const { did, kept: after } = await daily.up(TYPE, wish({ revoked: true }), seen);
  expect([seen?.state.live, did, after.state.live, live()]).toEqual([1, "updated", 0, []]);
  expect((await up({ revoked: true }, after)).did).toBe("same");
});

test("a state of a former version does not count live tokens, and is refreshed all the same", async () => {
  const { kept } = await up({ revoked: true });
  const { live: _, ...former } = kept.state;
  expect(await vault.provider.refresh({ ...kept, state: former })).toEqual(kept);
  expect((await up({ revoked: true }, { ...kept, state: former })).did).toBe("same");
});

test("somebody parked in the run that rebuilds a lost state has none afterwards", async () => {
  await up();
  await up({ revoked: true });
  expect(live()).toEqual([]);
});

test("somebody parked in the run whose refresh missed the present token loses the former one as well", async () => {
  const { kept } = await up();
  vault.clock.days = 30;
  const { kept: rotated } = await up({}, kept);
  vault.tokens.delete("accessor-2");
  expect([live(), await vault.provider.refresh(rotated)]).toEqual([["accessor-1"], undefined]);
  await up({ revoked: true });
  expect(live()).toEqual([]);
});

test("a resource that goes takes the tokens along that its state does not know", async () => {
  const { backup } = await rotatedSince();
  await vault.provider.delete(backup);
  expect(live()).toEqual([]);
});

test("the known token is revoked even where Vault cannot list the others", async () => {
  const { kept } = await up();
  vault.instead.reply = (_method, path) => (path.includes("accessors") ? { status: 503, body: {} } : undefined);
  await expect(up({ revoked: true }, kept)).rejects.toThrow("cannot list the tokens that are out");
  expect(live()).toEqual([]);
});

test("one listing serves everybody in a run", async () => {
  const run = await vault.run();
  for (const name of ["ana", "anab", "emo"]) await run.up(TYPE, wish({ name: `workstation-claude-${name}` }));
  await run.up(TYPE, wish({ name: "workstation-claude-gone", revoked: true }));
  expect([live(), vault.listings()]).toEqual([["accessor-1", "accessor-2", "accessor-3"], 1]);
});

test.each([
  ["a 404", { status: 404, body: { errors: ["no handler for route"] } }],
  ["no token at all", { status: 200, body: { data: { keys: [] } } }],
])("a listing with %s is an error and issues nothing", async (_what, answer) => {
  vault.instead.reply = (_method, path) => (path.includes("accessors") ? answer : undefined);
  await expect(up()).rejects.toThrow("cannot list the tokens that are out: Vault lists no token at all");
  expect(live()).toEqual([]);
});

const NO_ROUTE = { status: 404, body: { errors: ["no handler for route"] } };

test("a 404 revokes no token, renews none and says of none that it has ended", async () => {
  const { kept } = await up({ rotateAfterDays: 300 });
  const without = (end: string) => {
    vault.instead.reply = (_method, path) => (path.endsWith(end) ? NO_ROUTE : undefined);
  };
  without("revoke-accessor");
  await expect(up({ revoked: true }, kept)).rejects.toThrow("cannot revoke a token");
  without("lookup-accessor");
  await expect(vault.provider.refresh(kept)).rejects.toThrow("cannot see whose a token is");
  vault.clock.days = 16;
  without("renew-self");
  await expect(up({ rotateAfterDays: 300 }, kept)).rejects.toThrow("cannot renew the token");
});

test("a lookup that does not say whose a token is is an error", async () => {
  vault.tokens.set("lost", { value: "hvs.x", renewals: 0, policies: ["workstation-claude-ana"], path: "x" });
  const partial = { accessor: "lost", policies: ["workstation-claude-ana"] };
  vault.instead.reply = (_method, path) =>
    path.endsWith("lookup-accessor") ? { status: 200, body: { data: partial } } : undefined;
  await expect(up()).rejects.toThrow("not of the expected form (at: data.entity_id, data.path)");
});

test("a token that may not renew itself is not taken for the program's", async () => {
  const { kept } = await up({ rotateAfterDays: 300 });
  vault.clock.days = 16;
  vault.instead.reply = (_method, path) =>
    path.endsWith("renew-self") ? { status: 403, body: { errors: ["permission denied"] } } : undefined;
  const failed = String(await up({ rotateAfterDays: 300 }, kept).catch((cause: unknown) => cause));
  expect(failed).toMatch(/renew the token with the policy workstation-claude-ana.*the workstation's own token may not/);
  expect(failed).not.toMatch(/program's token/);
});

test("a token that Vault no longer knows is issued anew, by a refresh and by the renewal alike", async () => {
  const { kept } = await up({ rotateAfterDays: 300 });
  vault.tokens.clear();
  expect(await vault.provider.refresh(kept)).toBeUndefined();
  vault.clock.days = 20;
  const again = await up({ rotateAfterDays: 300 }, kept);
  expect([tokenOf(again.kept), live()]).toEqual(["hvs.secret-2", ["accessor-2"]]);
});

test.each([
  ["no rights", { status: 403, body: { errors: ["permission denied"] } }],
  ["a sealed Vault", { status: 503, body: { errors: ["Vault is sealed"] } }],
  ["a proxy's page", { status: 404, body: "<h1>Not Found</h1>" }],
])("a reading that fails by %s is an error and not an absence", async (_what, answer) => {
  const { kept } = await up();
  vault.instead.reply = (_method, path) => (path.endsWith("lookup-accessor") ? answer : undefined);
  await expect(vault.provider.refresh(kept)).rejects.toThrow("cannot see whose a token is");
  vault.clock.days = 20;
  await expect(up({}, kept)).rejects.toThrow("cannot see whose a token is");
  expect(live()).toEqual(["accessor-1"]);
});

test("what a killed run or a lost state issued by the role is revoked first; others' and hand-made tokens stay", async () => {
  const made = { value: "hvs.x", renewals: 0, policies: ["workstation-claude-ana"] };
  vault.tokens.set("lost", { ...made, path: "auth/token/create/workstation-claude" });
  vault.tokens.set("by hand", { ...made, path: "auth/token/create" });
  const others = { ...made, policies: ["workstation-claude-anab"] };
  vault.tokens.set("of another", { ...others, path: "auth/token/create/workstation-claude" });
  await up();
  expect(live()).toEqual(["by hand", "of another", "accessor-1"]);
});

test("a role that is missing or unfit issues nothing, and the sentence says how to make it", async () => {
  vault.role.data = undefined;
  await expect(up()).rejects.toThrow(
    /"workstation-claude" of Vault is not fit for it: there is no such role.*vault write/,
  );
  vault.role.data = { ...FIT, token_no_default_policy: false };
  await expect(up()).rejects.toThrow('adds the policy "default"');
  expect(vault.writes()).toEqual([]);
  await expect(up()).rejects.toThrow(/vault delete \S+\/workstation-claude && vault write/);
});

test("a token that Vault's own limit shortens is revoked and refused", async () => {
  const auth = { client_token: "hvs.short", accessor: "short", policies: ["workstation-claude-ana"] };
  vault.instead.reply = (_method, path) =>
    path.startsWith("auth/token/create/")
      ? { status: 200, body: { auth: { ...auth, lease_duration: 86_400 } } }
      : undefined;
  vault.tokens.set("short", { value: "hvs.short", policies: [], path: "", renewals: 0 });
  await expect(up()).rejects.toThrow("gave a token of 86400 s: raise Vault's max_lease_ttl");
  expect(live()).toEqual([]);
});

test("a token with other policies than asked for is revoked and refused, and no error repeats a secret", async () => {
  vault.instead.reply = (_method, path) =>
    path.startsWith("auth/token/create/")
      ? {
          status: 200,
          body: {
            auth: { client_token: "hvs.wide", accessor: "wide", policies: ["default", "root"], lease_duration: 1 },
          },
        }
      : undefined;
  vault.tokens.set("wide", { value: "hvs.wide", policies: [], path: "", renewals: 0 });
  const failed = await up().catch((cause: unknown) => String(cause));
  expect(failed).toMatch(/gave the policies default, root/);
  expect(failed).not.toMatch(/hvs\./);
  expect([failed, live()]).toEqual([expect.not.stringContaining(PROGRAM), []]);
});

test("a preview tells that another token is coming where one is due, and not where it is only renewed", async () => {
  const { kept } = await up({ rotateAfterDays: 30 });
  const shown = async (days: number, more: object) => {
    const resource = vaultPeopleProvider(() => days * 86_400_000).resource(TYPE);
    const log = { debug: () => undefined, progress: () => undefined, info: () => undefined, warning: () => undefined };
    const call = { urn: "x", name: "x", type: TYPE, signal: new AbortController().signal, timeoutMs: undefined, log };
    const args = { id: kept.id, state: kept.state, oldInputs: kept.inputs, inputs: wish(more), ignoreChanges: [] };
    return (await resource?.update?.({ ...args, preview: true }, call))?.token;
  };
  expect(await shown(20, {})).toEqual(kept.state.token);
  expect([await shown(30, {}), await shown(1, { generation: 2 }), await shown(1, { revoked: true })]).toEqual([
    ...[UNKNOWN, UNKNOWN, UNKNOWN],
  ]);
});
