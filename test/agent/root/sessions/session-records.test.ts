/** The series of records as data: what follows from a look, what is kept, and that a killed write never costs the record. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import type { ObservedSession, Session, Snapshot } from "../../../../agent/shared/sessions/session-schemas.ts";
import { snapshot } from "../../../../agent/shared/sessions/session-schemas.ts";
import { pathBytes, pathText } from "../../../../agent/shared/sessions/path-encoding.ts";
import {
  recordAfterForgetting,
  recordAfterLook,
  restorable,
  sessionsAt,
} from "../../../../agent/root/sessions/compute-record.ts";
import {
  appendRecord,
  numbersOf,
  readNewest,
  readNumbered,
  readOffered,
  writeLastSeen,
} from "../../../../agent/root/state/session-records.ts";
import { MOST_RECORDS } from "../../../../agent/shared/sessions/record-history.ts";
import { memoryDoor } from "../../in-memory-system.ts";

const LETTERS: readonly string[] = ["a", "b", "c", "d", "e"];
const NOW = 1_800_000_000_000;
const ID = "6f0c2f1a-5b59-4c06-9a55-0d1f3f6f7a01";
const seen = (name: string, over: Partial<ObservedSession> = {}): ObservedSession => ({
  name,
  directory: "/home/ana",
  createdS: 1_700_000_000,
  assistantRuns: false,
  ...over,
});
const look = (before: Snapshot | undefined, ...sessions: ObservedSession[]) => recordAfterLook(before, sessions, NOW);
const namesOf = (record: Snapshot | undefined) => record?.sessions.map(({ name }) => name);

const session = fc.record(
  {
    name: fc.string({ unit: "binary", minLength: 1, maxLength: 20 }),
    directory: fc.string({ unit: "binary", minLength: 1 }),
  },
  { requiredKeys: ["name", "directory"] },
);

test("a record of any names and paths reads back as it was written, and no field makes another row", () => {
  fc.assert(
    fc.property(fc.array(session, { maxLength: 5 }), (sessions) => {
      const door = memoryDoor();
      const record = { version: 1 as const, takenAtMs: NOW, sessions, forgotten: [] };
      appendRecord(door.sys, "ana", record);
      expect(readNewest(door.sys, "ana")).toEqual(record);
    }),
    { numRuns: 50 },
  );
});

test("every path of bytes survives being written as text", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1 }), (bytes) => {
      expect(pathBytes(pathText(Buffer.from(bytes)))).toEqual(Buffer.from(bytes));
    }),
  );
  expect(pathText(Buffer.from("/home/ana/ü b\n"))).toBe("/home/ana/ü b\n");
  expect(pathBytes(pathText(Buffer.from("base64:eA==")))).toEqual(Buffer.from("base64:eA=="));
});

test("a look that finds no session writes nothing, whatever is recorded", () => {
  expect(look(undefined)).toBeUndefined();
  expect(look(look(undefined, seen("dev")))).toBeUndefined();
});

test("what was recorded of a conversation stays while its transcripts cannot be read", () => {
  const OTHER = `${ID.slice(0, -1)}2`;
  const unread = { unread: true } as const;
  const before = look(undefined, seen("a", { conversation: ID, assistantFolder: "/mnt/claude" }), seen("b"));
  const recordedOf = (over: Partial<ObservedSession>) => look(before, seen("a", over), seen("b")) ?? before;
  // Whatever the sources come to by themselves.
  expect(recordedOf({ ...unread, conversation: OTHER })).toBe(before);
  // A shell that a restore has made since then.
  expect(recordedOf({ ...unread, createdS: NOW / 1000 + 5 })).toBe(before);
  expect(recordedOf({})?.sessions[0]).toEqual({ name: "a", directory: "/home/ana" });
  // The shell that an assistant has left may have a folder for something else.
  expect(recordedOf({ ...unread, assistantFolder: "/mnt/shell", conversation: OTHER })).toBe(before);
  // Another session of that name, another directory or another assistant's folder is not the one that was recorded.
  for (const other of [
    { createdS: NOW / 1000 + 5, conversation: OTHER },
    { directory: "/home/ana/code", conversation: OTHER },
    { assistantFolder: "/mnt/other", conversation: OTHER, assistantRuns: true },
  ])
    expect(recordedOf({ ...unread, ...other })?.sessions[0]).toMatchObject({ conversation: OTHER });
  expect(look(undefined, seen("a", unread))?.sessions).toEqual([{ name: "a", directory: "/home/ana" }]);
});

test("a conversation that another session has is not kept, and of two that keep the same none has it", () => {
  const unread = { unread: true } as const;
  const before = look(undefined, seen("a", { conversation: ID }), seen("b"));
  const lost = { name: "a", directory: "/home/ana" };
  const has = seen("b", { conversation: ID, assistantRuns: true });
  expect(look(before, seen("a", unread), has)?.sessions).toEqual([lost, { ...lost, name: "b", conversation: ID }]);
  // One that is forgotten and runs has it as well.
  const forgot = recordAfterForgetting(before, "b", NOW);
  expect(look(forgot, seen("a", unread), has)?.sessions).toEqual([lost]);
  const twice = look(undefined, seen("a", { conversation: ID }), seen("b", { conversation: ID }));
  expect(look(twice, seen("a", unread), seen("b", unread))?.sessions).toEqual([lost, { ...lost, name: "b" }]);
});

test("what an assistant that was started since then names replaces what was recorded, whatever cannot be read", () => {
  const other = `${ID.slice(0, -1)}2`;
  const before = look(undefined, seen("a", { conversation: ID }));
  const started = (namedAtMs: number) =>
    look(before, seen("a", { unread: true, assistantRuns: true, conversation: other, namedAtMs }));
  expect(started(NOW + 1)?.sessions).toEqual([{ name: "a", directory: "/home/ana", conversation: other }]);
  // One that ran already may have been in the recorded one since a clear.
  expect(started(NOW - 1)).toBeUndefined();
});

test("the directory of a conversation whose assistant has ended stays while the shell is where it cannot be resumed", () => {
  const before = look(undefined, seen("a", { conversation: ID, assistantRuns: true }));
  const moved = { conversation: ID, directory: "/home/ana/infra" };
  const both = { name: "a", directory: "/home/ana", conversation: ID, shellDirectory: "/home/ana/infra" };
  const ended = look(before, seen("a", { ...moved, unresumable: true }));
  expect(ended?.sessions).toEqual([both]);
  expect(look(ended, seen("a", { ...moved, unresumable: true }))).toBeUndefined();
  expect(look(before, seen("a", { ...moved, unresumable: true, unread: true }))?.sessions).toEqual([both]);
  // It has come back, or the assistant goes on.
  for (const back of [{ unresumable: true } as const, {}, { assistantRuns: true }])
    expect(look(ended, seen("a", { conversation: ID, ...back }))?.sessions).toEqual(before?.sessions);
  // In a directory from which it can be, and of an assistant that runs, the directory is the new one.
  for (const one of [moved, { ...moved, assistantRuns: true }])
    expect(look(before, seen("a", one))?.sessions).toEqual([{ name: "a", ...moved }]);
  expect(look(undefined, seen("a", { ...moved, unresumable: true }))?.sessions).toEqual([{ name: "a", ...moved }]);
});

test("what waits for its conversation after a restore of an earlier record is saved with the directory and folder of that one", () => {
  const door = memoryDoor();
  const other = seen("other");
  const lost = { name: "a", directory: "/mnt/p", conversation: ID, assistantFolder: "/mnt/claude" };
  const older = { ...lost, directory: "/home/ana/before", assistantFolder: "/mnt/before" };
  for (const sessions of [[older], [lost], [{ name: "other", directory: "/home/ana" }]])
    appendRecord(door.sys, "ana", { version: 1, takenAtMs: NOW, sessions, forgotten: [] });
  const before = readNewest(door.sys, "ana");
  const next = (one: Partial<ObservedSession>) =>
    recordAfterLook(before, [seen("a", { conversation: ID, ...one }), other], NOW, () => readOffered(door.sys, "ana"));
  // Its directory is away, so it waits in the home; or only its folder is.
  const [waits] = next({ unresumable: true })?.sessions ?? [];
  expect(waits).toEqual({ ...lost, shellDirectory: "/home/ana" });
  expect(next({ unresumable: true, unread: true })?.sessions[0]).toEqual(waits);
  expect(next({ directory: "/mnt/p", unresumable: true })?.sessions[0]).toEqual(lost);
  // An assistant that runs tells its own.
  expect(next({ assistantRuns: true })?.sessions[0]).toEqual({ name: "a", directory: "/home/ana", conversation: ID });
});

test("earlier records are read only for a conversation that the newest one does not have", () => {
  const one = seen("a", { conversation: ID });
  let reads = 0;
  const look = (sessions: readonly Session[]) =>
    recordAfterLook({ version: 1, takenAtMs: NOW, sessions, forgotten: [] }, [one, seen("b")], NOW, () => {
      reads += 1;
      return [];
    });
  look([{ name: "a", directory: "/home/ana", conversation: ID }]);
  expect(reads).toBe(0);
  look([]);
  expect(reads).toBe(1);
});

/** A record and its list as the agent of the version before knows them, to which a host may be taken back. */
const formerRecord = z.strictObject({
  version: z.literal(1),
  takenAtMs: z.number(),
  sessions: z.array(
    z.strictObject({
      name: z.string(),
      directory: z.string(),
      conversation: z.string().optional(),
      assistantFolder: z.string().optional(),
    }),
  ),
  forgotten: z.array(z.strictObject({ name: z.string(), atS: z.number() })),
});
const FOLDER = "/var/lib/tmux-persist/ana";
const SHELLS = `${FOLDER}/shell-directories.json`;

test("a record that is written after `cd` reads as one of the version before, and the shell's directory comes from beside it", () => {
  const { sys, files } = memoryDoor();
  const save = (...sessions: ObservedSession[]) => {
    const next = recordAfterLook(readNewest(sys, "ana"), sessions, NOW, () => readOffered(sys, "ana"));
    if (next !== undefined) appendRecord(sys, "ana", next);
  };
  const kept = { name: "a", directory: "/home/ana", conversation: ID, assistantFolder: "/mnt/claude" };
  const moved = (directory: string) => seen("a", { conversation: ID, directory, unresumable: true });
  const runs = seen("a", { ...kept, assistantRuns: true });
  save(runs, seen("b"));
  expect(files.has(SHELLS)).toBe(false);
  // No record: the same sessions are in the newest one.
  for (const directory of ["/home/ana/infra", "/home/ana/api"]) save(moved(directory), seen("b"));
  expect(numbersOf(sys, "ana")).toEqual([1]);
  const forgot = recordAfterForgetting(readNewest(sys, "ana"), "b", NOW);
  if (forgot !== undefined) appendRecord(sys, "ana", forgot);
  const both = { ...kept, shellDirectory: "/home/ana/api" };
  for (const number of numbersOf(sys, "ana")) {
    const text = files.get(`${FOLDER}/000000000${number}.json`) ?? "";
    expect(formerRecord.parse(JSON.parse(text)).sessions[0]).toEqual(kept);
    expect(readNumbered(sys, "ana", number).sessions[0]).toEqual(both);
  }
  const formerList = z.strictObject({ newest: z.number(), records: z.array(formerRecord.extend({ number: z.int() })) });
  expect(formerList.parse(JSON.parse(files.get(`${FOLDER}/offered.json`) ?? "")).newest).toBe(2);
  expect(readNewest(sys, "ana")?.sessions).toEqual([both]);
  expect(readOffered(sys, "ana").map(({ sessions }) => sessions[0])).toEqual([both, both]);
  expect(JSON.parse(files.get(SHELLS) ?? "")).toEqual({ [ID]: "/home/ana/api" });
  const whole = files.get(SHELLS) ?? "";
  for (const text of ["{", "[]", `{"${ID}":7}`, `{"x":"/"}`, JSON.stringify({ [ID]: "x".repeat(20_000) })]) {
    files.set(SHELLS, text);
    expect(readNewest(sys, "ana")?.sessions).toEqual([kept]);
  }
  files.set(SHELLS, whole);
  save(runs);
  expect([numbersOf(sys, "ana"), files.has(SHELLS)]).toEqual([[1, 2], false]);
});

test("the same set in another order is no new record; another directory or conversation is", () => {
  const before = look(undefined, seen("a"), seen("b"));
  expect(namesOf(before)).toEqual(["a", "b"]);
  expect(look(before, seen("b", { createdS: 1_700_000_500 }), seen("a"))).toBeUndefined();
  expect(look(before, seen("a", { directory: "/home/ana/code" }), seen("b"))).toBeDefined();
  expect(look(before, seen("a", { conversation: ID }), seen("b"))).toBeDefined();
  expect(namesOf(look(before, seen("a")))).toEqual(["a"]);
});

test("the assistant's own folder is a change, stays recorded once it has ended, and goes with its conversation", () => {
  const runs = { conversation: ID, assistantRuns: true };
  const own = { ...runs, assistantFolder: "/home/ana/own" };
  const ended = seen("a", { conversation: ID });
  const first = look(look(undefined, seen("a", runs)), seen("a", own));
  expect(first?.sessions).toEqual([expect.objectContaining({ assistantFolder: "/home/ana/own" })]);
  // The shell behind it may have another one, and tells where nothing was recorded.
  const left = seen("dev", { conversation: ID, assistantFolder: "/home/ana/shell" });
  expect(look(first, left)?.sessions ?? first?.sessions).toMatchObject([{ assistantFolder: "/home/ana/own" }]);
  expect(look(undefined, left)?.sessions).toMatchObject([{ assistantFolder: "/home/ana/shell" }]);
  // That it was in `~/.claude` is recorded as well.
  expect(look(look(undefined, seen("dev", runs)), left)).toBeUndefined();
  expect(look(first, ended)).toBeUndefined();
  const moved = look(first, { ...ended, name: "c", directory: "/home/ana/code" }, seen("b"));
  expect(moved?.sessions).toEqual([
    { name: "b", directory: "/home/ana" },
    { name: "c", directory: "/home/ana/code", conversation: ID, assistantFolder: "/home/ana/own" },
  ]);
  for (const without of [seen("a", runs), seen("a"), seen("a", { conversation: ID.replace("6f", "7f") })]) {
    const next = look(first, without);
    expect(next?.sessions).toHaveLength(1);
    expect(next?.sessions[0]).not.toHaveProperty("assistantFolder");
  }
});

test("what is forgotten stays so while it runs on and in older records, and comes back when its owner makes it anew", () => {
  const old = look(undefined, seen("dev"), seen("dev2"));
  const forgot = recordAfterForgetting(old, "dev", NOW);
  expect(namesOf(forgot)).toEqual(["dev2"]);
  expect(look(forgot, seen("dev"), seen("dev2"))).toBeUndefined();
  if (old === undefined || forgot === undefined) throw new Error("both are records");
  expect(restorable(old, forgot).map(({ name }) => name)).toEqual(["dev2"]);
  const anew = look(forgot, seen("dev", { createdS: NOW / 1000 + 60 }), seen("dev2"));
  expect(anew).toMatchObject({ sessions: [{ name: "dev" }, { name: "dev2" }], forgotten: [] });
  expect(recordAfterForgetting(forgot, "dev", NOW)).toBeUndefined();
  expect(recordAfterForgetting(forgot, "de", NOW)).toBeUndefined();
});

test("a partial loss that was saved can be undone from the record before it, except for what was forgotten", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.constantFrom(...LETTERS), { minLength: 1 }), (lost) => {
      const { sys } = memoryDoor();
      const all = LETTERS.map((name) => seen(name));
      const whole = look(undefined, ...all);
      if (whole === undefined) throw new Error("there are sessions");
      appendRecord(sys, "ana", whole);
      const rest = look(whole, ...all.filter(({ name }) => !lost.includes(name)));
      if (rest !== undefined) appendRecord(sys, "ana", rest);
      const newest = readNewest(sys, "ana");
      if (newest === undefined) throw new Error("there is a record");
      expect(restorable(readNumbered(sys, "ana", 1), newest)).toEqual(whole.sessions);
    }),
  );
});

test("the newest 200 are kept, by number and not by clock", () => {
  const { sys } = memoryDoor();
  for (let n = 1; n <= MOST_RECORDS + 3; n += 1) appendRecord(sys, "ana", record(`s${n}`, NOW - n * 1000));
  expect(numbersOf(sys, "ana")).toHaveLength(MOST_RECORDS);
  expect(numbersOf(sys, "ana")[0]).toBe(4);
  expect(namesOf(readNewest(sys, "ana"))).toEqual([`s${MOST_RECORDS + 3}`]);
  expect(() => readNumbered(sys, "ana", 1)).toThrow("the whole ones are among 4 to 203");
});

test("wherever a write is broken off, the record is the old one or the new one, whole", () => {
  const outcomes = new Set<string>();
  for (let at = 0; at < 6; at += 1) {
    const door = memoryDoor();
    appendRecord(door.sys, "ana", record("old"));
    door.breakAfter(at);
    try {
      appendRecord(door.sys, "ana", record("new"));
    } catch (error) {
      expect(error).toMatchObject({ message: "killed here" });
    }
    door.breakAfter(Number.POSITIVE_INFINITY);
    outcomes.add(String(namesOf(readNewest(door.sys, "ana"))));
    appendRecord(door.sys, "ana", record("next"));
    expect(namesOf(readNewest(door.sys, "ana"))).toEqual(["next"]);
  }
  expect([...outcomes]).toEqual(["old", "new"]);
});

const takenAt = (name: string | undefined, ...names: string[]): Snapshot => ({
  version: 1,
  takenAtMs: NOW,
  sessions: [name ?? [], ...names].flat().map((one) => ({ name: one, directory: "/home/ana" })),
  forgotten: [],
});
const offeredNumbers = (sys: Parameters<typeof readOffered>[0]) => readOffered(sys, "ana").map(({ number }) => number);

test("what is offered follows each record, also where the list of it is damaged, stale or of an older agent", () => {
  const { sys, files } = memoryDoor();
  appendRecord(sys, "ana", takenAt("a", "b"));
  appendRecord(sys, "ana", takenAt("a"));
  const list = "/var/lib/tmux-persist/ana/offered.json";
  const stale = files.get(list) ?? "";
  appendRecord(sys, "ana", takenAt("c"));
  expect(offeredNumbers(sys)).toEqual([3, 2, 1]);
  for (const text of [stale, "{", undefined]) {
    if (text === undefined) files.delete(list);
    else files.set(list, text);
    expect(offeredNumbers(sys)).toEqual([3, 2, 1]);
  }
});

test("the newest record was last seen by the last save, an earlier one when it was written", () => {
  const { sys } = memoryDoor();
  appendRecord(sys, "ana", takenAt("a", "b"));
  appendRecord(sys, "ana", takenAt("a"));
  writeLastSeen(sys, ["ana"], NOW + 5000);
  expect(readOffered(sys, "ana").map(({ number, seenAtMs }) => [number, seenAtMs])).toEqual([
    [2, NOW + 5000],
    [1, NOW],
  ]);
});

test("a record is chosen from by place, and a place that it does not have is an error", () => {
  const whole = takenAt("a", "b");
  expect(sessionsAt(whole, 7, [1, 1, 0]).map(({ name }) => name)).toEqual(["b", "a"]);
  expect(() => sessionsAt(whole, 7, [0, 2])).toThrow("record 7 has the places 0 to 1, but 2 was asked for");
});

test("all records of one person are bounded in bytes", () => {
  const { sys } = memoryDoor();
  const large = Array.from({ length: 100 }, (_, at) => `${at}${"x".repeat(16_000)}`);
  for (let n = 1; n <= 14; n += 1) appendRecord(sys, "ana", takenAt(`s${n}`, ...large));
  expect([numbersOf(sys, "ana").length, numbersOf(sys, "ana").at(-1)]).toEqual([10, 14]);
});

test("a damaged record is passed over for the last whole one", () => {
  const { sys, files } = memoryDoor();
  appendRecord(sys, "ana", record("good"));
  appendRecord(sys, "ana", record("bad"));
  files.set("/var/lib/tmux-persist/ana/0000000002.json", "{");
  expect(namesOf(readNewest(sys, "ana"))).toEqual(["good"]);
});

test.each(["../../x", "-- -x", `${ID} `, ID.toUpperCase(), `${ID}\n`])(
  "a record with the conversation %j is refused",
  (id) => {
    const sessions = [{ name: "a", directory: "/", conversation: id }];
    expect(snapshot.safeParse({ version: 1, takenAtMs: 1, sessions, forgotten: [] }).success).toBe(false);
  },
);

function record(name: string, takenAtMs = NOW): Snapshot {
  const sessions: Session[] = [{ name, directory: "/home/ana" }];
  return { version: 1, takenAtMs, sessions, forgotten: [] };
}
