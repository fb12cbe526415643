/**
 * Tests access expiry by the host's own clock, and the host's safety limits on it, for changes that no delivery counts.
 */

import { expect, test } from "vitest";
import { tooOldForRemovals } from "../../../../agent/root/people/offboarding-limits-of-host.ts";
import { expireAccess, type ExpiryInput } from "../../../../agent/root/people/access-expiry.ts";
import { account, clones, maps, type Somebody, units } from "../../../e2e/host/parts.ts";

const HOUR_MS = 3_600_000;
const NOON = Date.parse("2026-03-02T12:00:00Z");
const people = (over: Readonly<Record<string, Partial<Somebody>>>) =>
  ["ana", "bob", "cid"].map((osUser, at): Somebody => ({ osUser, uid: 2000 + at, ...over[osUser] }));
const files = [
  { path: "/etc/ttyd-user-map", text: "# Generated\nana@x=ana\nbob@x=bob\nbobby@x=bobby\n" },
  { path: "/etc/ttyd-admins", text: "# Generated\nana\nbob\n" },
  {
    path: "/etc/t3-serve/dispatch.json",
    text: '{"bob@x":{"os_user":"bob","port":1},"ana@x":{"os_user":"ana","port":2}}\n',
  },
];
const facts = (over: Readonly<Record<string, Partial<Somebody>>>, more: Partial<ExpiryInput> = {}): ExpiryInput => ({
  maps: maps(people(over), { admins: ["ana"], files }),
  parts: people(over).flatMap((who) => [account(who), clones(who), units(who)]),
  isOffboarded: () => false,
  canOffboard: () => true,
  removalLimit: 1,
  unfit: undefined,
  deliveredAtMs: NOON - HOUR_MS,
  nowMs: NOON,
  ...more,
});
const YESTERDAY = { until: "2026-03-01" };
const leftIn = (after: ReturnType<typeof expireAccess>) =>
  [...new Set(after.parts.filter(({ state }) => state === "left").map(({ osUser }) => osUser))].sort();

test("on the day after the last one the person counts as left, in every part and every map", () => {
  const after = expireAccess(facts({ bob: YESTERDAY }));
  expect(after.parts.map(({ osUser, state }) => [osUser, state])).toEqual(
    ["ana", "bob", "cid"].flatMap((who) => Array(3).fill([who, who === "bob" ? "left" : "present"])),
  );
  expect(after.maps?.files.map(({ text }) => text)).toEqual([
    "# Generated\nana@x=ana\nbobby@x=bobby\n",
    "# Generated\nana\n",
    '{\n  "ana@x": {\n    "os_user": "ana",\n    "port": 2\n  }\n}\n',
  ]);
  expect(after.maps).toMatchObject({ present: ["ana", "cid"], left: ["bob"] });
});

test.each([
  ["on the last day itself", { until: "2026-03-02" }],
  ["where no last day is set", {}],
])("nothing is cut %s", (_, row) => {
  const given = facts({ bob: row });
  expect(expireAccess(given)).toEqual({ maps: given.maps, parts: given.parts, held: [] });
});

test("one run cuts as many as it may and names the others; whoever is cut already stays so and counts no more", () => {
  const over = { bob: YESTERDAY, cid: YESTERDAY };
  const first = expireAccess(facts(over));
  expect([leftIn(first), first.held]).toEqual([["bob"], [{ who: "cid", why: expect.stringContaining("next run") }]]);
  const second = expireAccess(facts(over, { isOffboarded: (who) => who === "bob" }));
  expect([leftIn(second), second.held]).toEqual([["bob", "cid"], []]);
});

test("whoever was delivered as left and is not cut yet counts against the same limit", () => {
  const after = expireAccess(facts({ bob: { state: "left" }, cid: YESTERDAY }));
  expect([leftIn(after), after.held.map(({ who }) => who)]).toEqual([["bob"], ["cid"]]);
});

test("whoever no run can offboard takes nobody's place, delivered as left or expired", () => {
  const canOffboard = ({ osUser }: { readonly osUser: string }) => osUser === "cid";
  const left = expireAccess(facts({ bob: { state: "left" }, cid: YESTERDAY }, { canOffboard }));
  expect([leftIn(left), left.held]).toEqual([["bob", "cid"], []]);
  const expired = expireAccess(facts({ bob: YESTERDAY, cid: YESTERDAY }, { canOffboard }));
  expect([leftIn(expired), expired.held.map(({ who }) => who)]).toEqual([["cid"], ["bob"]]);
});

test("without a maps part whoever is offboarded already stays so, and the others are named", () => {
  const over = { bob: YESTERDAY, cid: YESTERDAY };
  const after = expireAccess(facts(over, { maps: undefined, isOffboarded: (who) => who === "bob" }));
  expect([leftIn(after), after.held]).toEqual([["bob"], [{ who: "cid", why: expect.stringContaining("maps part") }]]);
});

test.each([
  ["an old state", { bob: YESTERDAY }, { unfit: "the last delivery is older than 24 h" }, "older than 24 h"],
  ["addsOnly", { bob: YESTERDAY }, { maps: maps(people({}), { addsOnly: true, admins: ["ana"] }) }, "addsOnly"],
  ["the last admin", { ana: YESTERDAY }, {}, "the last admin would lose access"],
  [
    "the last person",
    { ana: YESTERDAY },
    { maps: maps(people({}).slice(0, 1), { admins: [] }) },
    "the last user would lose access on this host",
  ],
] as const)("%s cuts nobody and says so", (_what, over, more, why) => {
  const after = expireAccess(facts(over, more));
  expect([leftIn(after), after.held]).toEqual([[], [{ who: Object.keys(over)[0], why: expect.stringContaining(why) }]]);
});

test("without a maps part, which counts people, nobody is cut", () => {
  expect(leftIn(expireAccess(facts({ bob: YESTERDAY }, { maps: undefined })))).toEqual([]);
});

const age = (nowMs: number) => ({
  nowMs,
  unfit: tooOldForRemovals({ deliveredAtMs: NOON - HOUR_MS, nowMs, maxStateAgeHours: 24 }),
});

test.each([
  ["two hours, which is behind the last delivery", NOON - 2 * HOUR_MS],
  ["a week", NOON - 168 * HOUR_MS],
])("a clock that goes back by %s gives nobody back what their last day took, and cuts nobody anew", (_, nowMs) => {
  const over = { bob: YESTERDAY, cid: YESTERDAY };
  const after = expireAccess(facts(over, { ...age(nowMs), isOffboarded: (who) => who === "bob" }));
  expect([leftIn(after), after.held]).toEqual([["bob"], [{ who: "cid", why: expect.stringContaining("unknown age") }]]);
});

test("a clock that goes ahead by more than a state may be old cuts nobody, however many last days it passes", () => {
  const over = { bob: { until: "2026-03-31" }, cid: { until: "2026-04-30" } };
  const after = expireAccess(facts(over, age(NOON + 100 * 24 * HOUR_MS)));
  expect(leftIn(after)).toEqual([]);
  expect(after.held.map(({ who, why }) => [who, why.includes("older than 24 h")])).toEqual([
    ["bob", true],
    ["cid", true],
  ]);
  // And when it is right again, nothing has happened.
  expect(expireAccess(facts(over))).toMatchObject({ held: [] });
});

test("by less than that it cuts as many as one run may, and they are back when it is right again", () => {
  const over = { bob: { until: "2026-03-02" }, cid: { until: "2026-03-02" } };
  const ahead = expireAccess(facts(over, age(NOON + 13 * HOUR_MS)));
  expect([leftIn(ahead), ahead.held.map(({ who }) => who)]).toEqual([["bob"], ["cid"]]);
  const right = expireAccess(facts(over, { isOffboarded: (who) => who === "bob" }));
  expect([leftIn(right), right.held]).toEqual([[], []]);
});
