/** Tests that a tmux server which lives without its socket is never taken for none, by a real process in its place. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { socketFolder, socketOf } from "../../../../agent/shared/sessions/tmux-socket.ts";
import { forgetSessions } from "../../../../agent/user/sessions/forget-sessions.ts";
import { presentState } from "../../../../agent/user/sessions/present-state.ts";
import { askReviving } from "../../../../agent/user/sessions/revive-socket.ts";
import type { Tmux } from "../../../../agent/user/sessions/tmux-client.ts";
import { createSession, sessionId } from "../../../../agent/user/terminal/tmux-sessions.ts";

const { uid } = userInfo();
const SOCKET = socketOf(uid);
const NO_FIELDS = Array.from({ length: 18 }, () => "0").join(" ");

let home: string;
let proc: string;
const children: ChildProcess[] = [];
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "lost-socket-"));
  proc = join(home, "proc");
  mkdirSync(join(proc, "net"), { recursive: true });
  mkdirSync(join(proc, "self"));
  symlinkSync("/", join(proc, "self/root"));
  writeFileSync(join(proc, "net/unix"), "");
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    const ended = once(child, "close");
    child.kill("SIGKILL");
    await ended;
  }
  rmSync(home, { recursive: true });
});

const socketFile = () => join(home, "socket");

/** A server as the kernel lists it. Its socket is a file of the test, which it makes anew on SIGUSR1. */
async function serverWithoutSocket(): Promise<number> {
  // Asked for a socket, a server makes its folder only where that is missing.
  mkdirSync(socketFolder(uid), { recursive: true, mode: 0o700 });
  const script = `trap ': >"$1"' USR1; echo ready; while :; do sleep 0.02; done`;
  const child = spawn("/bin/sh", ["-c", script, "sh", socketFile()], { stdio: ["ignore", "pipe", "ignore"] });
  children.push(child);
  if (child.stdout !== null) await once(child.stdout, "data");
  const pid = child.pid ?? 0;
  mkdirSync(join(proc, `${pid}/fd`), { recursive: true });
  writeFileSync(join(proc, `${pid}/stat`), `${pid} (tmux: server) S 1 ${NO_FIELDS}`);
  symlinkSync(`socket:[${pid}0]`, join(proc, `${pid}/fd/3`));
  symlinkSync("/", join(proc, `${pid}/root`));
  const lines = children.map((one) => `0: 00000002 00000000 00010000 0001 01 ${one.pid}0 ${SOCKET}`);
  writeFileSync(join(proc, "net/unix"), `${lines.join("\n")}\n`);
  return pid;
}

const tried: (readonly string[])[] = [];
/** Answers once there is a socket; the session `work` runs. */
const tmux: Tmux = {
  hasSocket: () => existsSync(socketFile()),
  ask: async ([command, , format]) => {
    if (!existsSync(socketFile())) return undefined;
    if (command === "display-message") return `${children[0]?.pid}\n`;
    return format?.includes("session_id") ? "$3 work\n" : "work\n";
  },
  try: async (args) => {
    tried.push(args);
    return { argv: [], code: 0, stdout: "", stderr: "", timedOut: false, overflowed: false };
  },
};
const neverStarts = () => Promise.reject(new Error("a second server was started"));
const person = () => ({ uid, home });

test("a terminal in the browser finds its session, and a new session is made on the server that lives", async () => {
  await serverWithoutSocket();
  expect(await sessionId(tmux, uid, "work", proc)).toBe("$3");
  rmSync(socketFile());
  expect(await createSession(tmux, person(), "work", neverStarts, proc)).toEqual({
    refused: 'You have a session "work" already. Choose another name.',
  });
  rmSync(socketFile());
  tried.length = 0;
  expect(await createSession(tmux, person(), "other", neverStarts, proc)).toEqual({ name: "other" });
  expect(tried.map(([command]) => command)).toEqual(["new-session"]);
});

test("a session that runs in it is not forgotten", async () => {
  await serverWithoutSocket();
  const done = await forgetSessions(tmux, person(), ["work", "gone"], 7, proc);
  expect(done).toEqual({ forgotten: ["gone"], running: ["work"] });
});

test("what would come back is not told while it cannot be asked, and a mere look leaves its socket alone", async () => {
  const pid = await serverWithoutSocket();
  const refused = `their tmux server (process ${pid}) lives, and its socket ${SOCKET} is gone; \`tmux-persist restore\` or \`ws-me restore\` makes it bring the socket back`;
  await expect(presentState(tmux, person(), undefined, proc)).rejects.toThrow(refused);
  expect(existsSync(socketFile())).toBe(false);
});

test("of two servers on one socket neither is chosen: their owner is told, and nothing is started or forgotten", async () => {
  const [one, other] = [await serverWithoutSocket(), await serverWithoutSocket()];
  const refused = expect.stringMatching(/^their tmux server .* lives, and its socket .* is gone; so does process/);
  expect(await createSession(tmux, person(), undefined, neverStarts, proc)).toEqual({ refused });
  await expect(sessionId(tmux, uid, "work", proc)).rejects.toThrow("is gone; so does process");
  await expect(forgetSessions(tmux, person(), ["work"], 7, proc)).rejects.toThrow("is gone; so does process");
  // The first one answers again: what runs in the other one is still not seen.
  writeFileSync(socketFile(), "");
  const beside = `their tmux server (process ${other}) lives, and process ${one} has its socket`;
  expect(await sessionId(tmux, uid, "work", proc)).toBe("$3");
  await expect(sessionId(tmux, uid, "lost", proc)).rejects.toThrow(beside);
  await expect(forgetSessions(tmux, person(), ["lost"], 7, proc)).rejects.toThrow(beside);
  await expect(presentState(tmux, person(), undefined, proc)).rejects.toThrow(beside);
});

test("a server that begins to listen between the two looks has lost nothing", async () => {
  await serverWithoutSocket();
  const answers = [undefined, "work\n"];
  const starting: Tmux = { ...tmux, ask: async () => answers.shift() };
  expect(await askReviving(starting, uid, ["list-sessions"], false, proc)).toEqual({ answer: "work\n" });
});
