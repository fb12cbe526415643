import { expect, test } from "vitest";
import {
  assertRemovalLimits,
  deliveryAllowance,
  hourlyAllowance,
} from "../../../../agent/root/people/offboarding-limits-of-host.ts";
import { maps, type Somebody } from "../../../e2e/host/parts.ts";

const people = ["ana", "bob", "cid", "dan"].map((osUser, at): Somebody => ({ osUser, uid: 2000 + at }));
const without = (...gone: string[]) =>
  people.map((p) => (gone.includes(p.osUser) ? { ...p, state: "left" as const } : p));
const before = maps(people, { admins: ["ana"] });
const admins = { admins: ["ana"] };

test("whoever is within the limit may go", () => {
  expect(() => assertRemovalLimits(before, maps(without("bob"), admins))).not.toThrow();
});

test("more than the limit stops, names them, and says what releases it", () => {
  expect(() => assertRemovalLimits(before, maps(without("bob", "cid"), admins))).toThrow(
    "2 of 4 users would lose access to this host: bob, cid. The limit is 1 at once, and never the last user. " +
      "To confirm, list them in confirmLeave: [bob, cid]",
  );
});

test("a confirmation by name releases those and no others", () => {
  const confirmLeave = ["bob", "cid"];
  expect(() => assertRemovalLimits(before, maps(without("bob", "cid"), { ...admins, confirmLeave }))).not.toThrow();
  expect(() =>
    assertRemovalLimits(before, maps(without("bob", "dan"), { ...admins, confirmLeave, removalLimit: 0 })),
  ).toThrow("dan");
});

test("ten who join license nobody's leaving", () => {
  const joined = Array.from({ length: 10 }, (_, at) => ({ osUser: `new${at}`, uid: 3000 + at }));
  expect(() => assertRemovalLimits(before, maps([...without("bob", "cid"), ...joined], admins))).toThrow(
    "2 of 4 users",
  );
});

test("the last one never goes unconfirmed, whatever the limit", () => {
  const one = maps(people.slice(0, 1));
  expect(() =>
    assertRemovalLimits(one, maps([{ ...people[0], osUser: "ana", uid: 2000, state: "left" }], { removalLimit: 5 })),
  ).toThrow("never the last user");
});

test("an empty part is a removal of everybody, not a fresh start", () => {
  expect(() => assertRemovalLimits(before, maps([], { removalLimit: 10 }))).toThrow("4 of 4 users");
});

test("no host is left without an admin by accident", () => {
  expect(() => assertRemovalLimits(before, maps(people))).toThrow(
    "this host would have no admin any more, without ana",
  );
  expect(() => assertRemovalLimits(before, maps(people, { confirmLeave: ["ana"] }))).not.toThrow();
});

test("nobody who held the host is simply left out", () => {
  expect(() => assertRemovalLimits(before, maps(people.slice(1), { admins: ["bob"] }))).toThrow(
    "must be delivered as present or as left",
  );
});

test("a new name is nobody's leaving, of an admin neither; the name alone, without saying whose it was, is", () => {
  const renamed = people.map((p) => (p.osUser === "ana" ? { ...p, osUser: "anna", formerNames: ["ana"] } : p));
  expect(() => assertRemovalLimits(before, maps(renamed, { admins: ["anna"], removalLimit: 0 }))).not.toThrow();
  const unsaid = maps(renamed, { admins: ["anna"], removalLimit: 0, renamed: [] });
  expect(() => assertRemovalLimits(before, unsaid)).toThrow("1 of 4 users would lose access to this host: ana");
});

test("while only additions are allowed, nobody goes", () => {
  expect(() =>
    assertRemovalLimits(before, maps(without("bob"), { ...admins, addsOnly: true, confirmLeave: [] })),
  ).toThrow("addsOnly is set");
});

test("a host that never held anybody takes any part", () => {
  expect(() => assertRemovalLimits(undefined, maps([]))).not.toThrow();
});

test("a delivery cuts only whom its maps part counts as left", () => {
  expect(() => deliveryAllowance(() => maps(without("bob"))).consume("bob")).not.toThrow();
  expect(() => deliveryAllowance(() => maps(people)).consume("bob")).toThrow("not listed as left in the maps part");
  expect(() => deliveryAllowance(() => undefined).consume("bob")).toThrow("has no maps part to count removals by");
});

const hour = 3_600_000;
const hourly = { maps: () => maps(without("bob", "cid")), removalLimit: 1, maxStateAgeHours: 24, nowMs: 100 * hour };

test("one hourly run cuts as many as it may and leaves the rest to the next", () => {
  const allowance = hourlyAllowance({ ...hourly, deliveredAtMs: 99 * hour });
  allowance.consume("bob");
  expect(() => allowance.consume("cid")).toThrow("limit of 1");
});

test.each([
  ["older than allowed", 70 * hour],
  ["from the future", 101 * hour],
  ["of unknown age", undefined],
])("a state %s cuts nobody", (_, deliveredAtMs) => {
  expect(() => hourlyAllowance({ ...hourly, deliveredAtMs }).consume("bob")).toThrow("nobody is offboarded");
});

test("a demotion counts as a removal, is named, and is released by name", () => {
  const two = maps(people, { admins: ["ana", "bob"] });
  const next = { admins: ["ana"], removalLimit: 0 };
  expect(() => assertRemovalLimits(two, maps(people, next))).toThrow(
    "1 of 4 users would lose the groups of an admin: bob. The limit is 0 at once, and never the last user. " +
      "To confirm, list them in confirmLeave: [bob]",
  );
  expect(() => assertRemovalLimits(two, maps(people, { ...next, confirmLeave: ["bob"] }))).not.toThrow();
  expect(() => assertRemovalLimits(two, maps(without("cid"), { ...next, removalLimit: 1 }))).toThrow(
    "2 of 4 users would lose access to this host: cid; or lose the groups of an admin: bob",
  );
});

test("the hourly run removes groups within its own limit, from a state that is young enough, and not under addsOnly", () => {
  const facts = { maps: () => before, removalLimit: 1, maxStateAgeHours: 24, deliveredAtMs: 0, nowMs: 3_600_000 };
  const allowance = hourlyAllowance(facts);
  expect(() => allowance.consumeGroups("bob")).not.toThrow();
  expect(() => allowance.consumeGroups("cid")).toThrow(
    "cid does not lose the groups of their former tier yet: this hourly run has reached its limit of 1",
  );
  expect(() => hourlyAllowance({ ...facts, nowMs: 90_000_000 }).consumeGroups("bob")).toThrow("older than 24 h");
  expect(() => deliveryAllowance(() => maps(people, { addsOnly: true })).consumeGroups("bob")).toThrow(
    "addsOnly suspends every removal",
  );
});
