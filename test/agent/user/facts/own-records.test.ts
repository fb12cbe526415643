/** Tests what `ws-me records` prints and which sessions `ws-me restore` asks for. */
import { expect, test } from "vitest";
import type { History } from "../../../../agent/shared/facts/facts-schemas.ts";
import type { Session } from "../../../../agent/shared/sessions/session-schemas.ts";
import { askedFor, linesOfRecords } from "../../../../agent/user/facts/own-records.ts";
import { factOf, recordFacts, withForgotten } from "../../../../agent/user/sessions/record-facts.ts";

const session = (name: string) => ({ name, directory: "/home/ana" });
const history: History = {
  records: [
    { number: 9, takenAtMs: 9_000_000, seenAtMs: 9_600_000, sessions: [session("a")] },
    { number: 4, takenAtMs: 4_000_000, seenAtMs: 4_000_000, sessions: [session("a"), session("b"), session("c")] },
  ],
  forgotten: [{ name: "c", atS: 5000 }],
};
const names = (asked: ReturnType<typeof askedFor>) => asked.sessions.map(({ name }) => name);

test("without a name it is what is not forgotten, of the newest record or of the one that is named", () => {
  const newest = askedFor(history, undefined, []);
  expect([names(newest), newest.seenAtMs, newest.chosen]).toEqual([["a"], 9_600_000, false]);
  const older = askedFor(history, 4, []);
  expect([names(older), older.seenAtMs, older.chosen]).toEqual([["a", "b"], 4_000_000, false]);
});

test("sessions that are named are chosen, those that an admin has had forgotten too", () => {
  const asked = askedFor(history, 4, ["c", "b"]);
  expect([names(asked), asked.chosen]).toEqual([["b", "c"], true]);
});

test("a record or a session that is not there is an error that names what there is", () => {
  expect(() => askedFor(history, 5, [])).toThrow("record 5 is not one of those to choose from: 9, 4");
  expect(() => askedFor(history, 4, ["b", "x"])).toThrow('record 4 has no session "x"');
  expect(() => askedFor({ records: [], forgotten: [] }, undefined, [])).toThrow("nothing is saved yet");
});

test("a session that runs under its recorded name is looked into where a conversation was recorded", async () => {
  // Nobody has this id, so no server of theirs runs.
  const task = { uid: 4_000_000, osUser: "nobody-at-all" };
  const fact = async (one: Session) => {
    const [newest] = history.records;
    const records = newest === undefined ? [] : [{ ...newest, sessions: [one] }];
    return recordFacts({ ...task, history: { records, forgotten: [] } }, new Set(["a"]));
  };
  expect(await fact(session("a"))).toMatchObject([{ sessions: [{ state: "running" }] }]);
  const conversation = "6f0c2f1a-5b59-4c06-9a55-0d1f3f6f7a01";
  expect(await fact({ ...session("a"), conversation })).toMatchObject([{ sessions: [{ state: "shell" }] }]);
});

test("each record is a line with its age and what would come back, and below it why the rest would not", () => {
  const present = withForgotten(
    {
      home: "/home/ana",
      running: new Map([["a", undefined]]),
      open: new Map(),
      forgotten: new Map<string, number>(),
      missingDirectory: () => "is gone",
      missingTranscript: () => "is gone",
    },
    history,
  );
  const records = history.records.map((record) => factOf(record, present));
  expect(linesOfRecords(records, 9_000_000 + 3_600_000)).toEqual([
    "record 9, 60 minutes ago: 1 session, 0 would come back",
    "  a  runs",
    "record 4, 2 hours ago: 3 sessions, 1 would come back",
    "  a  runs",
    "  b  comes back with a shell: its directory is gone, so it starts in the home",
    "  c  forgotten",
  ]);
  expect(linesOfRecords([], 0)).toEqual(["Nothing is saved yet: a save runs every five minutes."]);
});
