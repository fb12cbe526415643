/** Tests which records of sessions are removed and which are offered: a loss can be undone for as long as possible. */
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  LEAST_KEPT,
  MOST_OFFERED,
  MOST_OFFERED_SESSIONS,
  MOST_RECORD_BYTES,
  MOST_RECORDS,
  NEWEST_KEPT,
  recordsToOffer,
  recordsToRemove,
  type StoredRecord,
} from "../../../../agent/shared/sessions/record-history.ts";

const A = "6f0c2f1a-5b59-4c06-9a55-0d1f3f6f7a01";
const B = "6f0c2f1a-5b59-4c06-9a55-0d1f3f6f7a02";

/** @param names `dev` is a session, `dev:ID` one with a conversation */
const stored = (number: number, names: readonly string[], bytes = 100): StoredRecord => ({
  number,
  bytes,
  sessions: names.map((text) => {
    const [name = "", conversation] = text.split(":");
    return { name, directory: "/home/ana", ...(conversation === undefined ? {} : { conversation }) };
  }),
});
const series = (...all: readonly (readonly string[])[]) => all.map((names, at) => stored(at + 1, names));
const offered = (...all: readonly (readonly string[])[]) => recordsToOffer(series(...all)).map(({ number }) => number);

test("within the bounds nothing is removed", () => {
  expect(recordsToRemove(series(["a"], ["a", "b"], ["b"]))).toEqual([]);
});

test("a record that lost a session outlives records that lost none, however old it is", () => {
  // Record 1 lost `old`; from then on the set only grows.
  const growing = Array.from({ length: MOST_RECORDS + 3 }, (_, at) =>
    Array.from({ length: at + 1 }, (_, n) => `s${n}`),
  );
  const all = series(["old", "s0"], ...growing);
  expect(recordsToRemove(all)).toEqual([2, 3, 4, 5]);
});

test("a record that lost a session outlives those whose conversations were only exchanged, however many there are", () => {
  const id = (n: number) => `6f0c2f1a-5b59-4c06-9a55-${String(n).padStart(12, "0")}`;
  const cleared = Array.from({ length: MOST_RECORDS + 10 }, (_, at) => [`dev:${id(at)}`]);
  const removed = recordsToRemove(series(["old", "dev"], ...cleared));
  expect([removed.length, removed.slice(0, 3)]).toEqual([11, [2, 3, 4]]);
});

test("where every old record lost a session, the oldest goes first", () => {
  const all = Array.from({ length: MOST_RECORDS + 2 }, (_, at) => stored(at + 1, [`s${at}`]));
  expect(recordsToRemove(all)).toEqual([1, 2]);
});

test("large records go until all fit, but never the newest few", () => {
  const large = Array.from({ length: 10 }, (_, at) => stored(at + 1, [`s${at}`], MOST_RECORD_BYTES / 8));
  expect(recordsToRemove(large)).toEqual([1, 2]);
  const huge = Array.from({ length: 10 }, (_, at) => stored(at + 1, [`s${at}`], 2 * MOST_RECORD_BYTES));
  expect(recordsToRemove(huge)).toEqual([1, 2, 3, 4, 5].slice(0, 10 - LEAST_KEPT));
});

test("whatever happened, the bounds hold, and of the newest only size removes one", () => {
  const names = fc.uniqueArray(fc.constantFrom("a", "b", "c", "d"), { maxLength: 4 });
  fc.assert(
    fc.property(fc.array(names, { minLength: 1, maxLength: MOST_RECORDS + 40 }), (all) => {
      const removed = recordsToRemove(series(...all));
      expect(all.length - removed.length).toBeLessThanOrEqual(MOST_RECORDS);
      expect(removed.every((number) => number <= all.length - NEWEST_KEPT)).toBe(true);
      expect(removed.length).toBe(Math.max(0, all.length - MOST_RECORDS));
    }),
    { numRuns: 30 },
  );
});

test.each<[string, readonly (readonly string[])[], readonly number[]]>([
  ["nothing is recorded", [], []],
  ["nothing was lost", [["a"], ["a", "b"]], [2]],
  ["a part was lost and saved", [["a", "b"], ["a"]], [2, 1]],
  ["a part was lost twice", [["a", "b", "c"], ["a", "b"], ["a"]], [3, 2, 1]],
  ["a conversation was exchanged under its name", [[`a:${A}`], [`a:${B}`]], [2, 1]],
  ["the loss was made good", [["a", "b"], ["a"], ["a", "b"]], [3, 1]],
])("what is offered when %s", (_, all, numbers) => {
  expect(offered(...all)).toEqual(numbers);
});

test("a conversation that is recorded in another directory or assistant's folder is a loss, a shell's directory is none", () => {
  const inFolder = (number: number, directory: string, over = {}) => ({
    ...stored(number, []),
    sessions: [{ name: "a", directory, ...over }],
  });
  const numbers = (...all: readonly StoredRecord[]) => recordsToOffer(all).map(({ number }) => number);
  const conversation = A;
  expect(numbers(inFolder(1, "/a", { conversation }), inFolder(2, "/b", { conversation }))).toEqual([2, 1]);
  const own = { conversation, assistantFolder: "/own" };
  expect(numbers(inFolder(1, "/a", own), inFolder(2, "/a", { conversation }))).toEqual([2, 1]);
  expect(numbers(inFolder(1, "/a"), inFolder(2, "/b"))).toEqual([2]);
});

test("a lost name is offered before conversations that were only cleared, however many there are", () => {
  const id = (n: number) => `6f0c2f1a-5b59-4c06-9a55-${String(n).padStart(12, "0")}`;
  const cleared = Array.from({ length: 3 * MOST_OFFERED }, (_, n) => [`a:${id(n)}`]);
  const numbers = offered([`a:${id(999)}`, "lost"], ...cleared);
  expect([numbers.length, numbers[0], numbers.at(-1)]).toEqual([MOST_OFFERED, cleared.length + 1, 1]);
});

test("what is offered is bounded in sessions and in bytes, and the newest record is always in it", () => {
  const many = (prefix: string) => Array.from({ length: 400 }, (_, n) => `${prefix}${n}`);
  const sum = recordsToOffer(series(many("a"), many("b"), many("c"), many("d"))).flatMap(({ sessions }) => sessions);
  expect(sum.length).toBeLessThanOrEqual(MOST_OFFERED_SESSIONS);
  const long = "x".repeat(15_000);
  const numbers = offered(...Array.from({ length: 30 }, (_, n) => [`${long}${n}`, `${long}y${n}`]));
  expect([numbers[0], numbers.length]).toEqual([30, 8]);
});
