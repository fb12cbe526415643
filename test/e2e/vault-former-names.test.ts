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
