/** Nobody gets into Vault by a name or an address that was somebody else's; with real sign-ins. Needs root. */
import { beforeAll, expect, test } from "vitest";
import type { Driven } from "./fixtures/resource-lifecycle.ts";
import { openVaultWorld, type VaultWorld } from "./fixtures/vault-fixture.ts";
import { email, gone, openProvider, PERSON, policyOf, rights, rightsOf, wish } from "./fixtures/vault-person.ts";

let world: VaultWorld;
let provider: Driven;

beforeAll(async () => {
  world = await openVaultWorld();
  provider = await openProvider(world, world.program.token);
});

test("a former name that is somebody else's takes nothing from them, neither at a rename nor at a leave", async () => {
  await provider.up(PERSON, wish("bob"));
  const token = `${await world.signIn(email("bob"))}`;
  const claims = { formerName: policyOf("bob") };
  const renamed = await provider.up(PERSON, wish("anca2", claims));
  expect([await rights(world, "anca2"), await rights(world, "bob")]).toEqual([[policyOf("anca2")], [policyOf("bob")]]);
  // Somebody without an entity so far has no more of a claim.
  const { kept } = await provider.up(PERSON, wish("power", { ...claims, policies: [] }));
  await provider.up(PERSON, wish("power", claims), kept);
  expect([await rights(world, "power"), await rights(world, "bob")]).toEqual([[policyOf("power")], [policyOf("bob")]]);
  await provider.up(PERSON, gone("anca2", claims), renamed.kept);
  expect([await rightsOf(world, token), await rights(world, "anca2")]).toEqual([[policyOf("bob")], undefined]);
});

test("a former entity goes with whoever signs in by its address, although no state knows it", async () => {
  await provider.up(PERSON, wish("maiden"));
  await provider.up(PERSON, wish("married", { alias: email("maiden"), formerName: policyOf("maiden") }));
  expect(await rights(world, "maiden")).toEqual([policyOf("married")]);
});

test("an address that somebody else is given opens their secrets alone, and nothing in between", async () => {
  const { kept } = await provider.up(PERSON, wish("leaver"));
  const token = `${await world.signIn(email("leaver"))}`;
  const left = await provider.up(PERSON, gone("leaver"), kept);
  expect([await rightsOf(world, token), await rights(world, "leaver")]).toEqual([undefined, undefined]);
  const released = await provider.up(PERSON, gone("leaver", { alias: null }), left.kept);
  const heir = wish("heir", { alias: email("leaver"), isReassignedAlias: true });
  const given = await provider.up(PERSON, heir);
  expect(await rights(world, "leaver")).toEqual([policyOf("heir")]);
  // Whose the address was is no change for whoever has it.
  expect((await provider.up(PERSON, { ...heir, isReassignedAlias: false }, given.kept)).did).toBe("same");
  // They return by another address, or by their own once it is free again.
  const back = await provider.up(PERSON, wish("leaver", { alias: email("leaver2") }), released.kept);
  expect([await rights(world, "leaver2"), await rights(world, "leaver")]).toEqual([
    [policyOf("leaver")],
    [policyOf("heir")],
  ]);
  await provider.up(PERSON, wish("heir"), given.kept);
  await provider.up(PERSON, wish("leaver", { isReassignedAlias: true }), back.kept);
  expect([await rights(world, "leaver"), await rights(world, "heir")]).toEqual([
    [policyOf("leaver")],
    [policyOf("heir")],
  ]);
});

test("an offboarded person's address is given on in the run that offboards them, and after their removal for good", async () => {
  const { kept } = await provider.up(PERSON, wish("plain", { policies: [] }));
  const token = `${await world.signIn(email("plain"))}`;
  await provider.up(PERSON, gone("plain", { alias: null }), kept);
  await provider.up(PERSON, wish("next", { alias: email("plain"), isReassignedAlias: true }));
  expect([await rightsOf(world, token), await rights(world, "plain")]).toEqual([undefined, [policyOf("next")]]);
  for (const [who, policies] of [
    ["owner", [policyOf("owner")]],
    ["reader", []],
  ] as const) {
    const present = await provider.up(PERSON, wish(who, { policies }));
    await world.signIn(email(who));
    await provider.delete((await provider.up(PERSON, gone(who), present.kept)).kept);
    await provider.up(PERSON, wish(`${who}-next`, { alias: email(who), isReassignedAlias: true }));
    expect(await rights(world, who)).toEqual([policyOf(`${who}-next`)]);
  }
});

test("a token of somebody who passed their address on gets nothing of its next holder's", async () => {
  const plain = (more: object = {}) => wish("walker", { policies: [], ...more });
  const { kept } = await provider.up(PERSON, plain());
  const token = `${await world.signIn(email("walker"))}`;
  const seen = await provider.up(PERSON, plain({ marks: ["seen"] }), kept);
  const next = wish("taker", { alias: email("walker"), isReassignedAlias: true });
  // Whichever of the two comes first.
  const { kept: taken } = await provider.up(PERSON, next);
  const moved = await provider.up(PERSON, plain({ alias: email("walker2") }), seen.kept);
  expect([await rightsOf(world, token), await rights(world, "walker"), await rights(world, "walker2")]).toEqual([
    [],
    [policyOf("taker")],
    [],
  ]);
  await provider.up(PERSON, gone("walker", { alias: email("walker2") }), moved.kept);
  expect([await rightsOf(world, token), await rights(world, "walker2")]).toEqual([undefined, undefined]);
  expect((await provider.up(PERSON, next, taken)).did).toBe("same");
});

test("a new name that nobody calls a rename takes the identity along, there and back, at once", async () => {
  const first = await provider.up(PERSON, wish("silent"));
  const token = `${await world.signIn(email("silent"))}`;
  const started = Date.now();
  const second = await provider.up(PERSON, wish("silent2", { alias: email("silent") }), first.kept);
  expect(await rightsOf(world, token)).toEqual([policyOf("silent2")]);
  await provider.up(PERSON, wish("silent"), second.kept);
  expect(await rightsOf(world, token)).toEqual([policyOf("silent")]);
  // Waiting for another holder of the address takes half a minute.
  expect(Date.now() - started).toBeLessThan(25_000);
});
