import { expect, test } from "vitest";
import { convergedVersions } from "../../../../agent/root/state/converged-versions.ts";
import { moveEntry, readLedger, writeLedger } from "../../../../agent/root/state/host-ledger.ts";
import { readLastSeen, writeLastSeen } from "../../../../agent/root/state/session-records.ts";
import { memoryDoor } from "../../in-memory-system.ts";

const NAMES = ["__proto__", "constructor"];

test("the host's ledger keeps users whose names every object inherits", () => {
  const { sys } = memoryDoor();
  writeLedger(sys, new Map(NAMES.map((name, index) => [name, { uid: 20_000 + index, adopted: false }])));
  expect([...readLedger(sys)].map(([name, { uid }]) => [name, uid])).toEqual([
    ["__proto__", 20_000],
    ["constructor", 20_001],
  ]);
  moveEntry(sys, "__proto__", "proto");
  expect([...readLedger(sys).keys()].sort()).toEqual(["constructor", "proto"]);
});

test("so do the records of converged versions and of sessions", () => {
  const { sys } = memoryDoor();
  const record = convergedVersions(sys);
  expect(record.has("constructor", "account")).toBe(false);
  for (const name of NAMES) record.add(name, "account");
  record.save();
  expect(NAMES.map((name) => convergedVersions(sys).has(name, "account"))).toEqual([true, true]);
  writeLastSeen(sys, NAMES, 5);
  expect([...readLastSeen(sys)]).toEqual(NAMES.map((name) => [name, 5]));
});

test("a ledger is parsed again only when its file has changed, whoever changed it", () => {
  const { sys, files } = memoryDoor();
  writeLedger(sys, new Map([["ana", { uid: 7001, adopted: false }]]));
  const first = readLedger(sys);
  expect(readLedger(sys)).toBe(first);
  const [path = ""] = files.keys();
  files.set(path, files.get(path)?.replace("7001", "7002") ?? "");
  expect(readLedger(sys).get("ana")?.uid).toBe(7002);
  files.set(path, "{");
  expect(() => readLedger(sys)).toThrow(/is not valid JSON/);
});
