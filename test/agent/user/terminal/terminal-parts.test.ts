/** The parts of a user's terminal service that decide: which session is meant, what a new one is called, how sizes and output wait. */
import { EventEmitter } from "node:events";
import { readFileSync } from "node:fs";
import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import type { WebSocket } from "ws";
import type { Ran } from "../../../../agent/lib/exec.ts";
import { flowControl } from "../../../../agent/shared/terminal/flow-control.ts";
import { newSessionName, parseControl, terminalSize } from "../../../../agent/shared/terminal/protocol.ts";
import type { Tmux } from "../../../../agent/user/sessions/tmux-client.ts";
import { attachClient, latestOnly } from "../../../../agent/user/terminal/attach-client.ts";
import { joinTerminal } from "../../../../agent/user/terminal/terminal-connection.ts";
import { createSession, sessionId } from "../../../../agent/user/terminal/tmux-sessions.ts";

const ENDED: Ran = { argv: [], code: 0, stdout: "", stderr: "", timedOut: false, overflowed: false };
const person = { uid: 2000, home: "/home/ana#1" };

function tmuxWith(listing: string | undefined, ran: Partial<Ran> = {}) {
  const tried: (readonly string[])[] = [];
  let server = listing !== undefined;
  const tmux: Tmux = {
    hasSocket: () => server,
    ask: async ([command]) => (!server ? undefined : command === "list-sessions" ? (listing ?? "") : "exit-empty off"),
    try: async (args) => {
      tried.push(args);
      return { ...ENDED, ...ran };
    },
  };
  const start = async () => {
    server = true;
  };
  return { tmux, tried, start };
}

test("a session is found by its whole name alone, whatever the name looks like", async () => {
  const { tmux } = tmuxWith('$0 dev\n$3 dev-2\n$4 $0\n$5 n "q" ü <b>\'\n$6 =dev\n');
  const names = ["dev", "dev-2", "$0", `n "q" ü <b>'`, "=dev", "de", "", "*", "$3"];
  expect(await Promise.all(names.map((name) => sessionId(tmux, person.uid, name)))).toEqual(
    ["$0", "$3", "$4", "$5", "$6"].concat(Array.from({ length: 4 })),
  );
  expect(await sessionId(tmuxWith(undefined).tmux, person.uid, "dev")).toBeUndefined();
});

test("a new session takes the first free name, and one that exists is refused", async () => {
  const { tmux, tried, start } = tmuxWith("$0 work-1\n$1 work-3\n");
  expect(await createSession(tmux, person, undefined, start)).toEqual({ name: "work-2" });
  expect(tried).toHaveLength(1);
  expect(tried[0]?.slice(0, 6)).toEqual(["new-session", "-d", "-s", "work-2", "-c", "/home/ana##1"]);
  expect(await createSession(tmux, person, "work-3", start)).toEqual({
    refused: 'You have a session "work-3" already. Choose another name.',
  });
});

test("where no server runs one is started first, and ends with its last session as others do", async () => {
  const { tmux, tried, start } = tmuxWith(undefined);
  expect(await createSession(tmux, person, "dev", start)).toEqual({ name: "dev" });
  expect(tried.at(-1)).toEqual(["set-option", "-s", "exit-empty", "on"]);
});

test("what tmux refuses is reported with its own words", async () => {
  const { tmux, start } = tmuxWith("", { code: 1, stderr: "no space for new pane\n" });
  expect(await createSession(tmux, person, "dev", start)).toEqual({
    refused: "tmux new-session ended with 1: no space for new pane",
  });
});

test("of the sizes that wait for a slow program the latest alone is set", async () => {
  const set: number[] = [];
  const resize = latestOnly(async (size: number) => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    set.push(size);
  });
  await Promise.all([1, 2, 3, 4].map(resize));
  await resize(5);
  expect(set).toEqual([1, 4, 5]);
});

test("a size that could not be set keeps none of the later ones from being set", async () => {
  const set: number[] = [];
  const resize = latestOnly(async (size: number) => {
    if (size === 1) throw new Error("gone");
    set.push(size);
  });
  await expect(resize(1)).rejects.toThrow("gone");
  await resize(2);
  expect(set).toEqual([2]);
});

test("output pauses at the limit and goes on at half of it; a browser that reports too much gains nothing", () => {
  const flow = flowControl(100);
  expect([flow.sent(60), flow.sent(40), flow.drawn(30), flow.drawn(20)]).toEqual([false, true, false, true]);
  expect([flow.drawn(1_000_000), flow.sent(99), flow.sent(1)]).toEqual([true, false, true]);
});

test.each([
  ['{"resize":{"cols":80,"rows":24}}', { resize: { cols: 80, rows: 24 } }],
  ['{"drawn":5}', { drawn: 5 }],
  ['{"drawn":0}', undefined],
  ['{"drawn":1.5}', undefined],
  ['{"resize":{"cols":80}}', undefined],
  ['{"resize":{"cols":80,"rows":24},"drawn":5}', undefined],
  ["[]", undefined],
  ["", undefined],
  ["{", undefined],
])("the control message %s is read as %j", (text, read) => {
  expect(parseControl(text)).toEqual(read);
});

test("sizes and names that are none are refused", () => {
  expect(terminalSize.safeParse({ cols: "80", rows: "24" }).data).toEqual({ cols: 80, rows: 24 });
  for (const cols of [null, "", "1", "1001", "80;reboot", "8e1x"])
    expect(terminalSize.safeParse({ cols, rows: "24" }).success).toBe(false);
  for (const name of ["", "-d", "a.b", "a:b", "a b", "ü", "a\n", "x".repeat(33)])
    expect(newSessionName.safeParse(name).success).toBe(false);
});

test("nothing but tmux's own id of a session reaches the shell that starts its client", async () => {
  const args = {
    program: "/bin/false",
    folder: "/nowhere",
    tmuxSocket: "/nowhere/s",
    size: { cols: 80, rows: 24 },
    env: {},
  };
  for (const id of ["dev", "$1'; reboot; '", "$", "$1\n"])
    await expect(attachClient({ ...args, sessionId: id })).rejects.toThrow("expected a session id of tmux");
  await expect(attachClient({ ...args, sessionId: "$1" })).rejects.toThrow("the terminal could not be opened");
});

test("a terminal that is attached changes nothing in the environment of its session, which a login may share", () => {
  const program = readFileSync(new URL("../../../../agent/files/terminal-pty.sh", import.meta.url), "utf8");
  // Without -E tmux applies its `update-environment` (tmux(1), attach-session).
  expect(program.match(/attach-session.*/g)).toEqual([expect.stringMatching(/^attach-session -E -t /)]);
});

test("a browser that reports everything as drawn and reads nothing gets no more than the connection holds", async () => {
  const taken: (() => void)[] = [];
  const browser = Object.assign(new EventEmitter(), {
    bufferedAmount: 0,
    send(piece: Buffer, done: () => void) {
      browser.bufferedAmount += piece.length;
      taken.push(() => {
        browser.bufferedAmount -= piece.length;
        done();
      });
    },
  });
  const output = new PassThrough({ highWaterMark: 16 * 1024 });
  const nothing = () => undefined;
  const client = { output, write: () => true, onDrain: nothing, resize: async () => undefined, close: nothing };
  joinTerminal(browser as unknown as WebSocket, client, nothing);
  const total = 4 * 1024 * 1024;
  const piece = Buffer.alloc(16 * 1024);
  let written = 0;
  const turn = async () => {
    while (written < total && !output.writableNeedDrain) {
      output.write(piece);
      written += piece.length;
    }
    browser.emit("message", Buffer.from(JSON.stringify({ drawn: 1_000_000_000 })), false);
    await new Promise(setImmediate);
  };
  for (let turns = 0; turns < 500; turns += 1) await turn();
  expect(browser.bufferedAmount).toBe(512 * 1024);
  // What is read again goes on by itself.
  for (let turns = 0; turns < 2000 && written < total; turns += 1) {
    taken.shift()?.();
    await turn();
  }
  expect(written).toBe(total);
  browser.emit("close");
});
