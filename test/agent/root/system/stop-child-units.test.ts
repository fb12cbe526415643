/** Root's side, told to end while something of a person's is at work: that ends first, also where it had not begun yet. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";

const UNDER_TEST = fileURLToPath(new URL("../../../../agent/root/system/stop-child-units.ts", import.meta.url));

let child: ChildProcess | undefined;
afterEach(() => void child?.kill("SIGKILL"));

/**
 * A process with one unit at work, which is there after `begunMs` and from then on can be ended; before, whoever waits for
 * it is gone already when `isWaitLost`. Then it would do a second one. It says what happens, a line each.
 */
function atWork(begunMs: number, isWaitLost = false) {
  const script = `
import { stoppedOnExit } from ${JSON.stringify(UNDER_TEST)};
const say = (what) => process.stdout.write(what + "\\n");
let over;
let isThere = false;
const waited = new Promise((resolve) => (over = resolve));
const end = async () => {
  if (!isThere) return say("nothing to end");
  say("ended");
  over();
};
setTimeout(() => {
  isThere = true;
  say("there");
}, ${begunMs});
// In place of the program that is waited for.
setInterval(() => undefined, 60_000);
if (${isWaitLost}) process.once("SIGTERM", over);
await stoppedOnExit(end, () => {
  // Said from here, since only from here on a signal is caught.
  say("waits");
  return waited;
});
say("over");
await stoppedOnExit(end, async () => say("another one"));
`;
  const started = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  child = started;
  const said: string[] = [];
  started.stdout.on("data", (part: Buffer) => said.push(...part.toString("utf8").trim().split("\n")));
  // Not "exit": its last lines may be read after it.
  const ended = once(started, "close").then(([code, signal]) => [code, signal] as const);
  const hears = async (what: string) => {
    while (!said.includes(what)) await new Promise((resolve) => setTimeout(resolve, 10));
  };
  return { started, said, ended, hears };
}

test("what is at work ends before the process does, by the signal, and nothing is begun or said after it", async () => {
  const { started, said, ended, hears } = atWork(0);
  await hears("there");
  started.kill("SIGTERM");
  expect(await ended).toEqual([null, "SIGTERM"]);
  expect(said.filter((line) => !["waits", "there"].includes(line))).toEqual(["ended", "ended"]);
});

test("what is only about to start ends once it is there", async () => {
  const { started, said, ended, hears } = atWork(1500);
  await hears("waits");
  started.kill("SIGINT");
  expect(await ended).toEqual([null, "SIGINT"]);
  expect(said.filter((line) => line !== "nothing to end")).toEqual(["waits", "there", "ended", "ended"]);
});

test("where the signal took whoever waited for it, it is ended once more after that", async () => {
  const { started, said, ended, hears } = atWork(0, true);
  await hears("there");
  started.kill("SIGTERM");
  expect(await ended).toEqual([null, "SIGTERM"]);
  expect(said.slice(-1)).toEqual(["ended"]);
  expect(said).not.toContain("over");
});

test("asked twice by systemd it still ends what is at work first; a second Ctrl-C waits for nothing", async () => {
  const asked = atWork(1500);
  await asked.hears("waits");
  asked.started.kill("SIGTERM");
  await asked.hears("nothing to end");
  asked.started.kill("SIGTERM");
  expect([await asked.ended, asked.said.at(-1)]).toEqual([[null, "SIGTERM"], "ended"]);

  const hurried = atWork(60_000);
  await hurried.hears("waits");
  hurried.started.kill("SIGINT");
  await hurried.hears("nothing to end");
  hurried.started.kill("SIGINT");
  expect(await hurried.ended).toEqual([null, "SIGINT"]);
});

test("what cannot be ended keeps the process for twenty seconds, not for ever", { timeout: 60_000 }, async () => {
  const { started, ended, hears } = atWork(3_600_000);
  await hears("waits");
  const askedMs = performance.now();
  started.kill("SIGTERM");
  expect(await ended).toEqual([null, "SIGTERM"]);
  expect(performance.now() - askedMs).toBeGreaterThan(15_000);
});
