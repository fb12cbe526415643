/** Tests what a record takes from the one before it, where processes hide something. */
import { expect, test } from "vitest";
import { recordAfterLook } from "../../../../agent/root/sessions/compute-record.ts";
import { withRecorded } from "../../../../agent/root/sessions/keep-hidden.ts";
import type { ObservedSession, Session } from "../../../../agent/shared/sessions/session-schemas.ts";

const A = "6f0c2f1a-5b59-4c06-9a55-0d1f3f6f7a01";
const B = "6f0c2f1a-5b59-4c06-9a55-0d1f3f6f7a02";
const TAKEN_S = 1_700_000_000;

const last = (over: Partial<Session> = {}): Session => ({ name: "work", directory: "/recorded", ...over });
/** An assistant whose directory and folder are hidden, while the shell of its pane tells a directory. */
const seen = (over: Partial<ObservedSession> = {}): ObservedSession => ({
  name: "work",
  directory: "/told",
  createdS: TAKEN_S - 100,
  assistantRuns: true,
  conversation: B,
  hidden: ["closerDirectory", "assistantFolder"],
  ...over,
});
const recordedOf = (before: Session, now: ObservedSession) => {
  const snapshot = { version: 1 as const, takenAtMs: TAKEN_S * 1000, sessions: [before], forgotten: [] };
  return (recordAfterLook(snapshot, withRecorded([now], snapshot), TAKEN_S * 1000 + 1) ?? snapshot).sessions[0];
};

test.each<[string, Session, ObservedSession, Session]>([
  ["beside a shell without a conversation", last(), seen(), last({ directory: "/told", conversation: B })],
  [
    "in a session made anew under an old name",
    last({ conversation: A, assistantFolder: "/own" }),
    seen({ createdS: TAKEN_S + 100 }),
    last({ directory: "/told", conversation: B }),
  ],
  [
    "beside another conversation, also its folder",
    last({ conversation: A, assistantFolder: "/own" }),
    seen(),
    last({ directory: "/told", conversation: B }),
  ],
  [
    "not even under the name of a conversation of its own",
    last({ conversation: A, assistantFolder: "/own" }),
    seen({ directory: "/recorded", hidden: ["assistantFolder"] }),
    last({ conversation: B }),
  ],
])("what was recorded is not given to another conversation: %s", (_, before, now, expected) => {
  expect(recordedOf(before, now)).toEqual(expected);
});

test.each<[string, ObservedSession]>([
  ["in the same session", seen({ conversation: A })],
  ["in a session that was renamed", seen({ conversation: A, name: "renamed", createdS: TAKEN_S + 100 })],
  ["where nothing tells a directory", seen({ conversation: A, hidden: ["directory", "assistantFolder"] })],
])("a conversation keeps the directory and folder that were recorded of it: %s", (_, now) => {
  const before = last({ conversation: A, assistantFolder: "/own" });
  expect(recordedOf(before, now)).toEqual({ ...before, name: now.name });
});

test("what was recorded of a session stays where nothing tells its conversation, or not certainly", () => {
  const before = last({ conversation: A, assistantFolder: "/own" });
  const { conversation: _, ...unnamed } = seen({ unread: true });
  expect(recordedOf(before, unnamed)).toEqual(before);
  expect(recordedOf(before, seen({ unread: true }))).toEqual(before);
  // An assistant that was started since then names its own.
  const since = seen({ unread: true, namedAtMs: TAKEN_S * 1000 + 1 });
  expect(recordedOf(before, since)).toEqual(last({ directory: "/told", conversation: B }));
});

test("the directory that was recorded under the name stays where nothing tells one", () => {
  const now = seen({ directory: "/home/ana", hidden: ["directory"] });
  expect(recordedOf(last({ conversation: A }), now)).toEqual(last({ conversation: B }));
  expect(recordedOf(last({ name: "other" }), now)).toEqual(last({ directory: "/home/ana", conversation: B }));
});
