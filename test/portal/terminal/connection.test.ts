/** The connection of a terminal's page: what it reports, when it tries again, and when it gives up. */
import { expect, test } from "vitest";
import {
  type Check,
  checkOf,
  keepConnected,
  type LinkEvents,
  retryDelayMs,
  type State,
} from "../../../portal/terminal/browser/connection.ts";

const ABNORMAL = 1006;

test.each([
  ["leads elsewhere", { status: 0, type: "opaqueredirect" }],
  ["refuses it", { status: 401, type: "basic" }],
] as const)("a sign-in in front of the page that %s is said to have expired", (_, answer) => {
  expect(checkOf({ ok: false, ...answer })).toEqual({ refused: "Your sign-in has expired. Load this page again." });
});

function page(checks: (Check | Promise<Check>)[] = []) {
  const givenUp: AbortSignal[] = [];
  const states: State[] = [];
  const opened: LinkEvents[] = [];
  const closed: number[] = [];
  const sent: (string | Uint8Array)[] = [];
  const firsts: boolean[] = [];
  let timer: { readonly run: () => void; readonly ms: number } | undefined;
  const connection = keepConnected({
    open: (events) => {
      const number = opened.push(events);
      return { send: (data) => sent.push(data), close: () => closed.push(number) };
    },
    check: async (signal) => {
      givenUp.push(signal);
      return checks.shift() ?? "ready";
    },
    show: (state) => states.push(state),
    output: (_, isFirst) => firsts.push(isFirst),
    setTimer: (run, ms) => {
      timer = { run, ms };
      return timer;
    },
    clearTimer: (of) => {
      if (of === timer) timer = undefined;
    },
    random: () => 0.5,
  });
  return {
    ...{ connection, states, opened, closed, sent, firsts, givenUp },
    timerMs: () => timer?.ms,
    /** The timer's moment has come, and what it asks for is answered. */
    async pass() {
      timer?.run();
      await new Promise(setImmediate);
    },
  };
}
const bytes = new Uint8Array([1]);
const last = <T>(all: readonly T[]): T | undefined => all.at(-1);

test("it is attached with the first output and not with the handshake", () => {
  const { connection, states, opened, firsts } = page();
  connection.start();
  expect(states).toEqual([{ is: "connecting" }]);
  opened[0]?.text("{}");
  expect(states).toHaveLength(1);
  opened[0]?.bytes(bytes);
  opened[0]?.bytes(bytes);
  expect([states, firsts]).toEqual([
    [{ is: "connecting" }, { is: "attached" }],
    [true, false],
  ]);
});

test("after a loss it tries again, later each time, and soon again once it was attached", async () => {
  const { connection, states, opened, pass, timerMs } = page(["away", "ready", "ready"]);
  connection.start();
  opened[0]?.bytes(bytes);
  opened[0]?.closed(ABNORMAL);
  expect([last(states), timerMs()]).toEqual([{ is: "dropped", inMs: 500 }, 500]);
  await pass();
  expect([last(states), opened.length]).toEqual([{ is: "dropped", inMs: 1000 }, 1]);
  await pass();
  opened[1]?.closed(ABNORMAL);
  expect(last(states)).toEqual({ is: "dropped", inMs: 2000 });
  await pass();
  opened[2]?.bytes(bytes);
  opened[2]?.closed(ABNORMAL);
  expect(last(states)).toEqual({ is: "dropped", inMs: 500 });
});

test("a connection on which nothing is heard is given up and opened anew", async () => {
  const { connection, states, opened, closed, pass, timerMs } = page();
  connection.start();
  opened[0]?.bytes(bytes);
  expect(timerMs()).toBe(25_000);
  await pass();
  expect([closed, last(states)?.is]).toEqual([[1], "dropped"]);
  // What the given-up one still says does not count.
  opened[0]?.closed(4000);
  opened[0]?.bytes(bytes);
  expect(last(states)?.is).toBe("dropped");
  await pass();
  expect(opened).toHaveLength(2);
});

test.each([
  [4000, "ended"],
  [4004, "missing"],
  [4029, "refused"],
])("close code %i is reported as %s, and nothing is tried by itself", (code, is) => {
  const { connection, states, opened, timerMs } = page();
  connection.start();
  opened[0]?.closed(code);
  expect([last(states)?.is, timerMs()]).toEqual([is, undefined]);
});

test("what keeps the service from opening a terminal is shown while it is tried again, and no later than that", async () => {
  const { connection, states, opened, pass } = page();
  connection.start();
  opened[0]?.text('{"why":"two servers run"}');
  opened[0]?.text('{"alive":true}');
  opened[0]?.closed(4500);
  expect(last(states)).toEqual({ is: "dropped", inMs: 500, why: "two servers run" });
  await pass();
  opened[1]?.text("{");
  opened[1]?.closed(4500);
  expect(last(states)).toEqual({ is: "dropped", inMs: 1000 });
});

test("somebody who is let in no more is told so, and connects again by hand alone", async () => {
  const { connection, states, opened, pass, timerMs } = page([{ refused: "parked" }, "ready"]);
  connection.start();
  opened[0]?.bytes(bytes);
  opened[0]?.closed(ABNORMAL);
  await pass();
  expect([last(states), timerMs()]).toEqual([{ is: "refused", why: "parked" }, undefined]);
  connection.retryNow();
  await new Promise(setImmediate);
  expect(opened).toHaveLength(2);
});

test("a check that is never answered is given up after ten seconds, and a late answer counts no more", async () => {
  let answerLate: (found: Check) => void = () => undefined;
  const silent = new Promise<Check>((resolve) => (answerLate = resolve));
  const { connection, states, opened, givenUp, pass, timerMs } = page([silent, "ready"]);
  connection.start();
  opened[0]?.bytes(bytes);
  await pass();
  await pass();
  expect([last(states), timerMs()]).toEqual([{ is: "connecting" }, 10_000]);
  await pass();
  expect([last(states)?.is, timerMs(), givenUp[0]?.aborted]).toEqual(["dropped", 1000, true]);
  answerLate("ready");
  await new Promise(setImmediate);
  expect(opened).toHaveLength(1);
  connection.retryNow();
  await new Promise(setImmediate);
  expect(opened).toHaveLength(2);
});

test("what is typed while it is not connected is dropped, and one press too many opens no second connection", async () => {
  const { connection, opened, sent } = page();
  connection.send("lost");
  connection.start();
  connection.retryNow();
  connection.send("kept");
  expect([opened.length, sent]).toEqual([1, ["kept"]]);
  opened[0]?.closed(ABNORMAL);
  connection.send("lost");
  connection.retryNow();
  connection.retryNow();
  await new Promise(setImmediate);
  expect([opened.length, sent]).toEqual([2, ["kept"]]);
});

test("the wait doubles up to a quarter of a minute, and a part of it is by chance", () => {
  const waits = Array.from({ length: 8 }, (_, attempt) => retryDelayMs(attempt, 0.5));
  expect(waits).toEqual([500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000]);
  expect([retryDelayMs(1, 0), retryDelayMs(1, 1)]).toEqual([750, 1250]);
});
