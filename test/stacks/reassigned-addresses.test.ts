/** Tests what Vault's resources are given for an address that passes from one person to another. */

import { expect, test } from "vitest";
import type { Ledger } from "../../roster/model.ts";
import { desiredResources } from "../../stacks/offline/desired-resources.ts";
import { settings } from "../config/raw-config.ts";
import { derived, rosterOf, row } from "../roster/support.ts";

const STACK = settings({ vault: { address: "https://vault.test" } });
const ADA = row("ada", "email: ada@x.org", "admin");
const owner = (name: string, email: string) => row(name, `email: ${email}\nnamespaces: [${name}s]`, "namespace-owner");

const run = async (ledger: Ledger | undefined, ...rows: readonly string[]) => {
  const result = derived(rosterOf(ADA, ...rows), ledger === undefined ? {} : { ledger });
  const people = (await desiredResources(STACK, result.desired)).filter(({ type }) => type.endsWith(":Person"));
  const said = people.map(({ name, inputs: { state, alias, isReassignedAlias } }) => [
    name,
    state,
    alias,
    isReassignedAlias,
  ]);
  return { ...result, said: said.filter(([name]) => name !== "vault-ada") };
};
const first = await run(undefined, owner("bob", "bob@x.org"));

test("a leave keeps the address at the disabled identity, and giving it on releases it", async () => {
  const away = await run(first.desired.ledger);
  expect(away.said).toEqual([["vault-bob", "left", "bob@x.org", false]]);
  const given = [
    ["vault-bob", "left", null, false],
    ["vault-carol", "present", "BOB@x.org", true],
  ];
  const carol = owner("carol", "BOB@x.org");
  const later = await run(away.desired.ledger, carol);
  expect([later.said, (await run(first.desired.ledger, carol)).said]).toEqual([given, given]);
  expect(later.warnings.map(({ path, message }) => `${path}: ${message}`)).toEqual([
    'users.carol.email: email: "BOB@x.org" was the e-mail of bob, an offboarded user; it signs carol in from now on, and bob needs another one to return',
  ]);
  const back = await run(later.desired.ledger, carol, owner("bob", "bob2@x.org"));
  expect(back.said).toEqual([
    ["vault-bob", "present", "bob2@x.org", false],
    // It still was bob's by the ledger of before.
    ["vault-carol", "present", "BOB@x.org", true],
  ]);
});

test("an address that is passed on among those who are there is a given one in that run", async () => {
  const passed = await run(first.desired.ledger, owner("bob", "bob2@x.org"), owner("carol", "bob@x.org"));
  expect(passed.said.map(([name, , , isGiven]) => [name, isGiven])).toEqual([
    ["vault-bob", false],
    ["vault-carol", true],
  ]);
});
