import { expect, test } from "vitest";
import { Refusal } from "../../config/refusal.ts";
import { adminAccounts } from "../../ci/push/admin-accounts.ts";

const rule = (outputs: object, more: object = {}) => ({ type: "forgejo:index:TagProtection", outputs, ...more });
const state = (...resources: readonly object[]) => ({
  deployment: { resources: [{ type: "pulumi:pulumi:Stack", outputs: { ledger: "{}" } }, ...resources] },
});
const LOGINS = ["Wizard", "second"];

test("the ids of the admins are those that the rule of the tags has recorded, whatever the case of a login", () => {
  const outputs = { pushers: ["wizard", "Second", "parked"], accountIds: { wizard: 5, second: 6, parked: 7 } };
  expect(adminAccounts(LOGINS, state(rule({ pushers: [] }, { delete: true }), rule(outputs)), true)).toEqual([
    { login: "Wizard", id: 5 },
    { login: "second", id: 6 },
  ]);
});

test.each([
  ["has no rule of the tags, since it does not manage the forge", state()],
  ["is of a version that recorded no ids", state(rule({ pushers: ["wizard", "second"] }))],
])("the login alone decides where the state %s", (_, exported) => {
  expect(adminAccounts(LOGINS, exported, false)).toEqual(LOGINS.map((login) => ({ login, id: undefined })));
});

test("nobody is an admin where the stack manages the forge and its state has lost the rule that knows them", () => {
  expect(adminAccounts(LOGINS, state(), true)).toEqual([]);
  expect(adminAccounts(LOGINS, state(rule({ pushers: ["wizard"] }, { delete: true })), true)).toEqual([]);
});

test("an admin whom a later deployment took off the rule before it failed decides nothing by a login that may be anybody's", () => {
  const followed = rule({ pushers: ["wizard2", "second"], accountIds: { wizard2: 5, second: 6 } });
  expect(adminAccounts(LOGINS, state(followed), true)).toEqual([{ login: "second", id: 6 }]);
});

test("an admin whom a hand took off the rule, as a refresh shows it, is still known by their id", () => {
  expect(adminAccounts(["wizard"], state(rule({ pushers: ["wizard2"], accountIds: { wizard: 5 } })), true)).toEqual([
    { login: "wizard", id: 5 },
  ]);
});

test.each([
  ["no state", {}],
  ["an id that is no number", state(rule({ pushers: ["wizard"], accountIds: { wizard: "5" } }))],
])("%s is an error and not an admin without an id", (_, exported) => {
  expect(() => adminAccounts(LOGINS, exported, true)).toThrow(Refusal);
});

test("a state in which nothing is left identifies nobody", () => {
  expect(adminAccounts(LOGINS, { deployment: { manifest: {} } }, true)).toEqual([]);
});

test("a login that every object has as a field is looked up among the recorded ones alone", () => {
  const outputs = { pushers: ["constructor"], accountIds: {} };
  expect(adminAccounts(["constructor"], state(rule(outputs)), true)).toEqual([{ login: "constructor", id: undefined }]);
});
