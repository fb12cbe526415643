import { createHash } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Part } from "../../../../agent/contract.ts";
import { digestOf } from "../../../../agent/lib/delivered-digests.ts";
import { compareDelivery, confirmDelivery } from "../../../../agent/root/commands/confirm-delivery.ts";
import { reportDelivery } from "../../../../agent/root/commands/finalize-delivery.ts";
import { expireAccess } from "../../../../agent/root/people/access-expiry.ts";
import { tooOldForRemovals } from "../../../../agent/root/people/offboarding-limits-of-host.ts";
import { readDeliveredAt, writeDeliveredAt } from "../../../../agent/root/state/deliveries.ts";
import { writeLedger } from "../../../../agent/root/state/host-ledger.ts";
import { readOffboarding } from "../../../../agent/root/state/offboarding-records.ts";
import { storePart } from "../../../../agent/root/state/stored-parts.ts";
import { AGENT } from "../../../../agent/root/system/installed-paths.ts";
import { account, base, clones, maps, type Somebody, units } from "../../../e2e/host/parts.ts";
import { type MemoryDoor, memoryDoor } from "../../in-memory-system.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const BEGIN = Date.parse("2026-03-02T00:30:00Z");
const MAX_AGE_HOURS = 336;

const people: readonly Somebody[] = [
  { osUser: "ana", uid: 2000 },
  { osUser: "bob", uid: 2001, until: "2026-03-21" },
];
const partsOf = (all: readonly Somebody[]): readonly Part[] => [
  base({ reconcile: { maxStateAgeHours: MAX_AGE_HOURS, removalLimit: 1 } }),
  maps(all, { admins: ["ana"] }),
  ...all.flatMap((of) => [account(of), clones(of), units(of)]),
];
const nameOf = (part: Part) => ("osUser" in part ? `${part.kind}.${part.osUser}` : part.kind);
const digestsOf = (parts: readonly Part[]) => ({
  agent: createHash("sha256").update("the agent").digest("hex"),
  ...Object.fromEntries(parts.map((part) => [nameOf(part), digestOf(part)])),
});

let door: MemoryDoor;
let printed: string[];
beforeEach(() => {
  door = memoryDoor();
  door.files.set(AGENT, "the agent");
  for (const part of partsOf(people)) storePart(door.sys, part);
  writeDeliveredAt(door.sys, BEGIN);
  printed = [];
  vi.spyOn(process.stdout, "write").mockImplementation((text) => printed.push(String(text)) > 0);
});
afterEach(() => vi.restoreAllMocks());

const SAME = { different: [], missing: [], unexpected: [] };
const delivered = digestsOf(partsOf(people));

test("a host that holds everything counts its delivery from now, and a check alone leaves the age", () => {
  const text = JSON.stringify(delivered);
  expect(confirmDelivery(door.sys, text, true, BEGIN + DAY_MS)).toBe(0);
  expect(readDeliveredAt(door.sys)).toBe(BEGIN);
  expect(confirmDelivery(door.sys, text, false, BEGIN + DAY_MS)).toBe(0);
  expect(readDeliveredAt(door.sys)).toBe(BEGIN + DAY_MS);
  expect(printed.map((line) => JSON.parse(line))).toEqual([SAME, SAME]);
});

test("the order of a part's keys and its white space do not count", () => {
  const turned = Object.fromEntries(Object.entries(account(people[1] as Somebody)).reverse());
  door.files.set("/var/lib/workstation/parts/account.bob.json", JSON.stringify(turned, undefined, 2));
  expect(compareDelivery(door.sys, delivered)).toEqual(SAME);
});

test("an image of before a delivery is told by name, and its age is left as it is", () => {
  const left = digestsOf(partsOf(people.map((of) => (of.osUser === "bob" ? { ...of, state: "left" } : of))));
  const more = { ...left, "account.cid": digestOf(account({ osUser: "cid", uid: 2002 })), agent: "0".repeat(64) };
  expect(confirmDelivery(door.sys, JSON.stringify(more), false, BEGIN + DAY_MS)).toBe(1);
  expect(JSON.parse(printed[0] ?? "")).toEqual({
    different: ["account.bob", "agent", "clones.bob", "maps", "units.bob"],
    missing: ["account.cid"],
    unexpected: [],
  });
  expect(readDeliveredAt(door.sys)).toBe(BEGIN);
});

describe("the last command of a delivery", () => {
  let warned: string[];
  beforeEach(() => {
    warned = [];
    vi.spyOn(process.stderr, "write").mockImplementation((text) => warned.push(String(text)) > 0);
  });

  test("finds everything that was delivered", () => {
    expect([reportDelivery(door.sys, delivered), warned]).toEqual([true, []]);
  });

  test("fails on an older image, which the engine gave only what changed, and names what differs", () => {
    const newer = { ...delivered, "units.bob": "0".repeat(64), "units.cid": "0".repeat(64) };
    storePart(door.sys, account({ osUser: "gone", uid: 2009 }));
    expect(reportDelivery(door.sys, newer)).toBe(false);
    expect(warned).toEqual([
      "warning: this host holds what no deployment delivers: account.gone; was it restored from an image of before somebody " +
        "was removed for good? Then remove them again (./ws remove)\n",
      "failed: host: expected all that was delivered to this host, but it holds another version of units.bob and does not " +
        'hold units.cid; was it restored from an older image? Start the schedule "daily", which delivers everything to it ' +
        "again\n",
    ]);
  });

  test("only warns of what this host holds besides", () => {
    storePart(door.sys, account({ osUser: "gone", uid: 2009 }));
    expect([reportDelivery(door.sys, delivered), warned.length]).toEqual([true, 1]);
  });
});

test("somebody whom no deployment delivers is unexpected; parts under a name that was given up are not", () => {
  storePart(door.sys, account({ osUser: "gone", uid: 2009 }));
  expect(compareDelivery(door.sys, delivered)).toEqual({ ...SAME, unexpected: ["account.gone"] });
  const renamed = account({ osUser: "eve", uid: 2009, formerNames: ["gone"] });
  storePart(door.sys, renamed);
  expect(compareDelivery(door.sys, { ...delivered, "account.eve": digestOf(renamed) })).toEqual(SAME);
});

test("parts of somebody who was removed for good are not missing", () => {
  for (const kind of ["account", "clones", "units"]) door.files.delete(`/var/lib/workstation/parts/${kind}.bob.json`);
  expect(compareDelivery(door.sys, delivered).missing).toEqual(["account.bob", "clones.bob", "units.bob"]);
  writeLedger(door.sys, new Map([["bob", { uid: 2001, adopted: false, removedOn: "2026-03-01" }]]));
  expect(compareDelivery(door.sys, delivered)).toEqual(SAME);
});

test.each([["[]"], ["{"], ['{"account.ana":"x"}'], ['{"../x":"y"}']])("%s is refused as a list of parts", (text) => {
  expect(() => confirmDelivery(door.sys, text, false, BEGIN)).toThrow(/the list of delivered parts/);
  expect(readDeliveredAt(door.sys)).toBe(BEGIN);
});

/** What the hourly run makes of the delivered state, hour by hour for 40 days; on which days it fails for whom. */
function fortyDays(confirmed: boolean) {
  const failing = new Set<number>();
  const offboarded = new Map<string, number>();
  for (let hour = 0; hour < 40 * 24; hour += 1) {
    const nowMs = BEGIN + hour * HOUR_MS;
    const day = Math.floor(hour / 24);
    // A daily deployment that finds nothing to change on this host.
    if (confirmed && hour % 24 === 2)
      expect(confirmDelivery(door.sys, JSON.stringify(delivered), false, nowMs)).toBe(0);
    const deliveredAtMs = readDeliveredAt(door.sys);
    const unfit = tooOldForRemovals({ deliveredAtMs, nowMs, maxStateAgeHours: MAX_AGE_HOURS });
    const { parts, held } = expireAccess({
      ...{ maps: maps(people, { admins: ["ana"] }), parts: people.map(account), removalLimit: 1 },
      ...{
        unfit,
        deliveredAtMs,
        nowMs,
        isOffboarded: (who: string) => readOffboarding(door.sys, who) !== undefined,
        canOffboard: () => true,
      },
    });
    if (unfit !== undefined || held.length > 0) failing.add(day);
    for (const { osUser, state } of parts) if (state === "left" && !offboarded.has(osUser)) offboarded.set(osUser, day);
  }
  return { failing: [...failing], offboarded: Object.fromEntries(offboarded) };
}

test("in 40 days without a push the state never grows too old, and a last day is kept on the day after", () => {
  expect(fortyDays(true)).toEqual({ failing: [], offboarded: { bob: 20 } });
});

test("without that the hourly run would offboard nobody from the fifteenth day on", () => {
  const { failing, offboarded } = fortyDays(false);
  expect([failing[0], failing.at(-1), offboarded]).toEqual([14, 39, {}]);
});
