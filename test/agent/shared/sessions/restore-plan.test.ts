/** Tests what a restore would do with each session, as data: a conversation is brought back once or not at all. */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Evidence } from "../../../../agent/shared/sessions/choose-conversation.ts";
import { openConversations, type RunningSession } from "../../../../agent/shared/sessions/open-conversations.ts";
import { assistantsExcept } from "../../../../agent/shared/sessions/process-tree.ts";
import {
  type Asked,
  isDone,
  type OpenIn,
  planRestore,
  type Present,
} from "../../../../agent/shared/sessions/restore-plan.ts";
import type { Outcome, Session } from "../../../../agent/shared/sessions/session-schemas.ts";

const A = "6f0c2f1a-5b59-4c06-9a55-0d1f3f6f7a01";
const B = "6f0c2f1a-5b59-4c06-9a55-0d1f3f6f7a02";
const C = "6f0c2f1a-5b59-4c06-9a55-0d1f3f6f7a03";
const HOME = "/home/ana";
const SEEN_AT = 1_800_000_000_000;

const openIn = (where: string, state: OpenIn["state"] = "open"): OpenIn => ({ where: [where], state });
const present = (over: Partial<Present> = {}): Present => ({
  home: HOME,
  running: new Map(),
  open: new Map(),
  forgotten: new Map(),
  missingDirectory: () => undefined,
  missingTranscript: () => undefined,
  ...over,
});
const session = (over: Partial<Session> = {}): Session => ({ name: "dev", directory: `${HOME}/code`, ...over });
const plan = (sessions: readonly Session[], over: Partial<Present> = {}, asked: Partial<Asked> = {}) =>
  planRestore({ sessions, seenAtMs: SEEN_AT, chosen: false, ...asked }, present(over));
const runs = (name: string, evidence: Partial<Evidence>, over: Partial<RunningSession> = {}): RunningSession => ({
  name,
  evidence: { key: "$1", written: new Map(), transcripts: [], ...evidence },
  assistants: [],
  ...over,
});
const stateOf = (one: Session, over?: Partial<Present>, asked?: Partial<Asked>) => plan([one], over, asked)[0];

test.each<[string, Session, Partial<Present>, object]>([
  ["a shell", session(), {}, { state: "shell", directory: `${HOME}/code` }],
  ["a conversation", session({ conversation: A }), {}, { state: "conversation", resume: A }],
  [
    "a conversation in a folder of its own",
    session({ conversation: A, assistantFolder: "/home/ana/it's" }),
    {},
    { state: "conversation", resume: `${A} '/home/ana/it'\\''s'` },
  ],
  [
    "a directory that is gone",
    session({ conversation: A }),
    { missingDirectory: () => "is gone" },
    { state: "shell", directory: HOME, resume: "directory", why: "its directory is gone, so it starts in the home" },
  ],
  [
    "a transcript that is gone",
    session({ conversation: A }),
    { missingTranscript: () => "is gone" },
    { state: "shell", resume: "transcript", why: `the transcript of its conversation ${A} is gone` },
  ],
  [
    "a directory that is gone, behind which a shell went on in another one",
    session({ conversation: A, shellDirectory: `${HOME}/api` }),
    { missingDirectory: (path) => (path === `${HOME}/api` ? undefined : "is gone") },
    {
      state: "shell",
      directory: `${HOME}/api`,
      resume: "directory-shell",
      why: "its directory is gone, so it starts where its shell was",
    },
  ],
  [
    "a transcript that is gone, behind which a shell went on in another directory",
    session({ conversation: A, shellDirectory: `${HOME}/api` }),
    { missingTranscript: () => "is gone" },
    { state: "shell", directory: `${HOME}/api`, resume: "transcript" },
  ],
  [
    "both directories are gone",
    session({ conversation: A, shellDirectory: `${HOME}/api` }),
    { missingDirectory: () => "is gone" },
    { state: "shell", directory: HOME, resume: "directory" },
  ],
  [
    "a directory of a shell that is no path",
    session({ conversation: A, shellDirectory: "api" }),
    { missingTranscript: () => "is gone" },
    { state: "shell", directory: `${HOME}/code` },
  ],
  [
    "a conversation that can be resumed, wherever its shell went on",
    session({ conversation: A, shellDirectory: `${HOME}/api` }),
    {},
    { state: "conversation", directory: `${HOME}/code`, resume: A },
  ],
  [
    "a transcript that cannot be read, wherever its shell went on",
    session({ conversation: A, shellDirectory: `${HOME}/api` }),
    { missingTranscript: () => "cannot be read (EIO)" },
    { state: "shell", directory: `${HOME}/code`, conversation: A, unread: true },
  ],
  [
    "a directory that cannot be entered",
    session({ conversation: A }),
    { missingDirectory: () => "cannot be read (EIO)" },
    {
      state: "shell",
      directory: HOME,
      resume: `directory-unread 'cd '\\''${HOME}/code'\\'' && claude --resume ${A}'`,
      conversation: A,
      unread: true,
      why: "its directory cannot be read (EIO), so it starts in the home",
    },
  ],
  [
    "a transcript that cannot be read",
    session({ conversation: A }),
    { missingTranscript: () => "cannot be read (EACCES)" },
    {
      state: "shell",
      directory: `${HOME}/code`,
      resume: `transcript-unread 'claude --resume ${A}'`,
      conversation: A,
      unread: true,
      why: `the transcript of its conversation ${A} cannot be read (EACCES)`,
    },
  ],
  [
    "a transcript that cannot be read in a folder of its own",
    session({ conversation: A, assistantFolder: "/mnt/x y" }),
    { missingTranscript: () => "cannot be read (EACCES)" },
    { resume: `transcript-unread 'CLAUDE_CONFIG_DIR='\\''/mnt/x y'\\'' claude --resume ${A}'` },
  ],
  [
    "a shell that waits for its conversation, which can be read now",
    session({ conversation: A }),
    {
      running: new Map([["dev", A]]),
      unused: new Map([["dev", "$1"]]),
      open: new Map([[A, openIn('session "dev"', "waiting")]]),
    },
    { state: "conversation", resume: A, inside: "$1" },
  ],
  [
    "a shell that waits for its conversation, which another assistant is in",
    session({ conversation: A }),
    {
      running: new Map([["dev", A]]),
      unused: new Map([["dev", "$1"]]),
      open: new Map([[A, openIn("process 12", "possible")]]),
    },
    {
      state: "running",
      unread: true,
      inside: "$1",
      why: `its conversation may be open in process 12; if it is not, run \`claude --resume ${A}\` in its directory`,
    },
  ],
  [
    "a session in which nothing runs, while the conversation may be open in another",
    session({ conversation: A }),
    {
      running: new Map([["dev", undefined]]),
      unused: new Map([["dev", "$1"]]),
      open: new Map([[A, openIn('session "dev-2"', "possible")]]),
    },
    { state: "running", unread: true, why: expect.stringContaining('may be open in session "dev-2"') },
  ],
  [
    "a session in which nothing has run yet, and a transcript that cannot be read",
    session({ conversation: A }),
    {
      running: new Map([["dev", undefined]]),
      unused: new Map([["dev", "$1"]]),
      missingTranscript: () => "cannot be read (EACCES)",
    },
    {
      state: "running",
      unread: true,
      inside: "$1",
      conversation: A,
      why: `its conversation ${A} cannot be resumed: its transcript cannot be read (EACCES)`,
    },
  ],
  ["a session that runs", session({ conversation: A }), { running: new Map([["dev", A]]) }, { state: "running" }],
  [
    "a session that runs in a conversation that nothing tells",
    session({ conversation: A }),
    { running: new Map([["dev", undefined]]) },
    { state: "name in use", why: expect.stringContaining("nothing tells that this conversation is open in it") },
  ],
  [
    "a session in which nothing has run yet",
    session({ conversation: A }),
    { running: new Map([["dev", undefined]]), unused: new Map([["dev", "$1"]]) },
    { state: "conversation", resume: A, inside: "$1" },
  ],
  [
    "a session in which nothing has run yet, while the conversation is open in another",
    session({ conversation: A }),
    {
      running: new Map([["dev", undefined]]),
      unused: new Map([["dev", "$1"]]),
      open: new Map([[A, openIn('session "dev-2"')]]),
    },
    { state: "running" },
  ],
  [
    "a session that runs, and a conversation whose transcript is gone",
    session({ conversation: A }),
    { running: new Map([["dev", undefined]]), missingTranscript: () => "is gone" },
    { state: "running", why: `its conversation ${A} cannot be resumed: its transcript is gone` },
  ],
  [
    "a name that runs in another conversation",
    session({ conversation: A }),
    { running: new Map([["dev", B]]) },
    { state: "name in use", why: expect.stringContaining("rename that one") },
  ],
  [
    "a conversation that goes on under another name",
    session({ conversation: A }),
    { open: new Map([[A, openIn('session "dev-2"')]]) },
    { state: "open elsewhere", why: 'its conversation is open in session "dev-2"' },
  ],
  [
    "a conversation that may be open in another session",
    session({ conversation: A }),
    { open: new Map([[A, openIn('session "dev-2"', "possible")]]) },
    {
      state: "open elsewhere",
      why: `its conversation may be open in session "dev-2"; if it is not, run \`claude --resume ${A}\` in its directory`,
    },
  ],
  [
    "a conversation for which a shell of another name waits",
    session({ conversation: A }),
    { open: new Map([[A, openIn('session "dev-2"', "waiting")]]) },
    { state: "open elsewhere", why: 'its conversation waits in session "dev-2"' },
  ],
  [
    "what was forgotten, beside a session of its name in which nothing has run yet",
    session({ conversation: A }),
    {
      forgotten: new Map([["dev", SEEN_AT]]),
      running: new Map([["dev", undefined]]),
      unused: new Map([["dev", "$1"]]),
    },
    { state: "running" },
  ],
  ["what was forgotten", session(), { forgotten: new Map([["dev", SEEN_AT]]) }, { state: "forgotten" }],
  [
    "what ran again after it was forgotten",
    session(),
    { forgotten: new Map([["dev", SEEN_AT - 1]]) },
    { state: "shell" },
  ],
  ["another name than the forgotten one", session(), { forgotten: new Map([["de", SEEN_AT]]) }, { state: "shell" }],
])("%s", (_, one, over, expected) => {
  expect(stateOf(one, over)).toMatchObject(expected);
});

test("beside a session of its name, a conversation that may be open in another one is named, and its own is not missed", () => {
  const running = new Map([["dev", undefined]]);
  const one = session({ conversation: A });
  const elsewhere = new Map([[A, openIn('session "dev-2"', "possible")]]);
  expect(stateOf(one, { running, open: elsewhere })).toEqual({
    session: one,
    state: "running",
    why: `its conversation may be open in session "dev-2"; if it is not, run \`claude --resume ${A}\` in its directory`,
  });
  const own = new Map([[A, openIn('session "dev"', "possible")]]);
  expect(stateOf(one, { running, open: own })).toEqual({ session: one, state: "running" });
});

test("of several sessions that may be in a conversation all are named, and the one of its name is not sent to open it", () => {
  const maybe = (name: string) => runs(name, {}, { writtenSince: [A, B] });
  const all = ["dev", "dev-2"].map(maybe);
  const running = new Map(all.map(({ name }) => [name, undefined]));
  for (const open of [openConversations(all, []), openConversations([...all].reverse(), [])]) {
    const sessions = [session({ conversation: A }), session({ name: "dev-2", conversation: B })];
    expect(plan(sessions, { running, open })).toEqual(sessions.map((one) => ({ session: one, state: "running" })));
  }
  const why = (names: readonly string[]) =>
    stateOf(session({ name: "gone", conversation: A }), { open: openConversations(names.map(maybe), []) })?.why;
  expect(why(["a"])).toContain('may be open in session "a"; if');
  expect(why(["a", "b"])).toContain('may be open in session "a" or session "b"; if');
  expect(why(["a", "b", "c"])).toContain('may be open in session "a", session "b" or session "c"; if');
  // An answer has a bound.
  const many = Array.from({ length: 500 }, (_, at) => `${"x".repeat(200)}${at}`);
  expect(why(many)).toMatch(/ and 495 more; if/);
  expect(why(many)?.length).toBeLessThan(4096);
  const certain = [runs("a", {}, { conversation: A }), runs("b", {}, { conversation: A }), maybe("c")];
  expect(stateOf(session({ name: "gone", conversation: A }), { open: openConversations(certain, []) })?.why).toBe(
    'its conversation is open in session "a" and session "b"',
  );
});

test("of two that name a conversation that cannot be read, only one keeps it", () => {
  const both = ["a", "b"].map((name) => session({ name, conversation: A }));
  expect(plan(both, { missingTranscript: () => "cannot be read (EIO)" })).toMatchObject([
    { state: "shell", conversation: A },
    { state: "open elsewhere", why: 'its conversation waits in session "a"' },
  ]);
});

test("a restore is done with a session but for one that failed, or whose conversation waits until it can be read", () => {
  const outcomes: Outcome[] = [
    { name: "a", how: "there", why: "it runs" },
    { name: "b", how: "conversation" },
    { name: "c", how: "shell", why: "its transcript is gone" },
    { name: "d", how: "shell", why: "its transcript cannot be read", unread: true },
    { name: "e", how: "failed" },
  ];
  expect(outcomes.filter(isDone).map(({ name }) => name)).toEqual(["a", "b", "c"]);
});

test("a forgotten session that is chosen comes back after all, and one that runs is left alone even then", () => {
  const forgotten = new Map([["dev", SEEN_AT + 5]]);
  expect(stateOf(session(), { forgotten }, { chosen: true })?.state).toBe("shell");
  expect(stateOf(session(), { forgotten, running: new Map([["dev", undefined]]) }, { chosen: true })?.state).toBe(
    "running",
  );
  const open = new Map([[A, openIn("process 12")]]);
  expect(stateOf(session({ conversation: A }), { open }, { chosen: true })?.state).toBe("open elsewhere");
});

test("whatever is recorded and runs, no conversation is opened that is open, and none is opened twice", () => {
  const name = fc.constantFrom("a", "b", "c", "d");
  const conversation = fc.constantFrom<string[]>(A, B, C);
  const recorded = fc.record({
    name,
    directory: fc.constant("/home/ana"),
    conversation: fc.option(conversation, { nil: undefined }),
  });
  const running = fc.dictionary(name, fc.option(conversation, { nil: undefined }));
  const sessions = fc.uniqueArray(recorded, { selector: (one) => one.name });
  fc.assert(
    fc.property(sessions, running, fc.uniqueArray(conversation), fc.boolean(), (all, runs, elsewhere, chosen) => {
      const open = new Map([
        ...elsewhere.map((id) => [id, openIn("process 1")] as const),
        ...Object.entries(runs).flatMap(([at, id]) => (id === undefined ? [] : [[id, openIn(at)] as const])),
      ]);
      const told = all.map(
        ({ conversation: id, ...rest }): Session => (id === undefined ? rest : { ...rest, conversation: id }),
      );
      const started = plan(told, { running: new Map(Object.entries(runs)), open }, { chosen }).flatMap((one) =>
        one.state === "conversation" ? [one.session.conversation ?? ""] : [],
      );
      expect(new Set(started).size).toBe(started.length);
      expect(started.filter((id) => open.has(id))).toEqual([]);
    }),
  );
});

test.each<[string, readonly RunningSession[], readonly [string, string, OpenIn["state"]?][]]>([
  [
    "its own, whatever it was started with",
    [runs("x", { option: A, argument: A }, { conversation: B })],
    [[B, 'session "x"']],
  ],
  [
    "each that a source names, where it is not certain",
    [runs("x", { option: A, hook: B })],
    [
      [A, 'session "x"', "possible"],
      [B, 'session "x"', "possible"],
    ],
  ],
  [
    "not what an earlier assistant noted",
    [runs("x", { option: A, hook: B, hookIsCurrent: false })],
    [[A, 'session "x"', "possible"]],
  ],
  [
    "each that one of several assistants was started with",
    [
      runs(
        "x",
        {},
        {
          conversation: A,
          assistants: [
            { pid: 1, startedTicks: 1, argument: A },
            { pid: 2, startedTicks: 1, argument: B },
          ],
        },
      ),
    ],
    [
      [A, 'session "x"'],
      [B, 'session "x"', "possible"],
    ],
  ],
  [
    "each that an assistant may have written whose conversation is not certain, and no other session's by that",
    [runs("x", {}, { writtenSince: [A, B] }), runs("y", {}, { conversation: B })],
    [
      [A, 'session "x"', "possible"],
      [B, 'session "y"'],
    ],
  ],
  [
    "only what its own hook has told, whatever else was written",
    [runs("x", { hook: A, hookIsCurrent: true }, { writtenSince: [A, B] })],
    [[A, 'session "x"']],
  ],
  [
    "what a shell waits for in which nothing runs",
    [runs("x", { option: A }, { conversation: A, isUnused: true })],
    [[A, 'session "x"', "waiting"]],
  ],
  [
    "certainly in one session, whatever another one may be in",
    [
      runs("x", {}, { conversation: A }),
      runs("y", {}, { writtenSince: [A] }),
      runs("z", { option: A }, { isUnused: true }),
    ],
    [[A, 'session "x"']],
  ],
  ["nothing that is no conversation", [runs("x", { option: "--resume" })], []],
])("open in a session: %s", (_, sessions, expected) => {
  const told = expected.map(([one, where, state]) => [one, openIn(where, state)] as const);
  expect(openConversations(sessions, [])).toEqual(new Map(told));
});

test("an assistant outside of every session keeps its conversation from being opened again", () => {
  const all = new Map([10, 11, 12].map((pid) => [pid, { pid, parent: 1, name: "claude", startedTicks: 1 }]));
  const argv = (pid: number) => (pid === 12 ? ["claude"] : ["claude", "--resume", pid === 10 ? A : B]);
  const others = assistantsExcept(all, argv, new Set([11]));
  expect([...openConversations([], others)]).toEqual([[A, openIn("process 10, outside of every session")]]);
  // One that the assistant of a session has started itself is no other place.
  const own = runs("x", {}, { conversation: A });
  expect([...openConversations([own], others)]).toEqual([[A, openIn('session "x"')]]);
});
