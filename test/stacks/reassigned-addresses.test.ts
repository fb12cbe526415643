/** Tests what Vault's resources are given for an address that passes from one person to another. */

import { expect, test } from "vitest";
import type { Ledger } from "../../roster/model.ts";
import { ALL_DELIVERED, type Undelivered } from "../../roster/undelivered-changes.ts";
import { desiredResources } from "../../stacks/offline/desired-resources.ts";
import { settings } from "../config/raw-config.ts";
import { derived, rosterOf, row, user } from "../roster/support.ts";

const STACK = settings({ vault: { address: "https://vault.test" } });
const ADA = row("ada", "email: ada@x.org", "admin");
const owner = (name: string, email: string) => row(name, `email: ${email}\nnamespaces: [${name}s]`, "namespace-owner");

const run = (ledger: Ledger | undefined, ...rows: readonly string[]) => runAfter(ledger, ALL_DELIVERED, rows);
const runAfter = async (ledger: Ledger | undefined, undelivered: Undelivered, rows: readonly string[]) => {
  const result = derived(rosterOf(ADA, ...rows), { ...(ledger === undefined ? {} : { ledger }), undelivered });
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

test("it stays a given one: for the retry of that run, for a later one, and by what a ledger of before left undelivered", async () => {
  const [moved, carol] = [owner("bob", "bob2@x.org"), owner("carol", "BOB@x.org")];
  const isGiven = async (ledger: Ledger, rows: readonly string[], undelivered: Undelivered = ALL_DELIVERED) =>
    (await runAfter(ledger, undelivered, rows)).said.find(([name]) => name === "vault-carol")?.[3];
  const passed = await run(first.desired.ledger, moved, carol);
  const alone = await run(first.desired.ledger, moved);
  const gone = await run(alone.desired.ledger);
  expect(alone.desired.ledger.people.get(user("bob"))?.formerEmails).toEqual(["bob@x.org"]);
  // A ledger of a former version holds no former address.
  const people = [...alone.desired.ledger.people].map(
    ([name, { formerEmails: _, ...entry }]) => [name, entry] as const,
  );
  const before: Ledger = { version: 1, people: new Map(people) };
  const stated = owner("bob", "bob2@x.org\npreviously: {email: bob@x.org}");
  expect([
    await isGiven(passed.desired.ledger, [moved, carol]),
    await isGiven(alone.desired.ledger, [moved, carol]),
    await isGiven(gone.desired.ledger, [carol]),
    await isGiven(before, [moved, carol], alone.undelivered),
    await isGiven(before, [stated, carol]),
    await isGiven(before, [moved, carol]),
  ]).toEqual([true, true, true, true, true, false]);
  // Whoever goes back to their own address has been given nobody's.
  const back = await run(alone.desired.ledger, owner("bob", "Bob@x.org"));
  expect(back.said).toEqual([["vault-bob", "present", "Bob@x.org", false]]);
  expect(back.desired.ledger.people.get(user("bob"))?.formerEmails).toEqual(["bob2@x.org"]);
});

test("a former address goes with an account that is renamed", async () => {
  const alone = await run(first.desired.ledger, owner("bob", "bob2@x.org"));
  const robert = owner("robert", "bob2@x.org\npreviously: {os_user: bob}").replace("k8s_user: robert", "k8s_user: bob");
  const renamed = await run(alone.desired.ledger, robert.replace("roberts", "bobs"), owner("carol", "bob@x.org"));
  expect(renamed.said.map(([name, , , isGiven]) => [name, isGiven])).toEqual([
    ["vault-carol", true],
    ["vault-bob", false],
  ]);
});
