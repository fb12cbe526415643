/** Tests that a tmux server which lives without its socket is never taken for none, by a real process in its place. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { listedSockets, socketFolder, socketOf } from "../../../../agent/shared/sessions/tmux-socket.ts";
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
  genuine = "";
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    const ended = once(child, "close");
    child.kill("SIGKILL");
    await ended;
  }
  rmSync(home, { recursive: true });
});

const list = () => readFileSync(join(proc, "net/unix"), "utf8");
/** What anybody has added to the list since is not certain. */
let genuine = "";
const kernel = () => ({
  proc,
  listening: async (paths: readonly string[]) => listedSockets(genuine).filter(({ path }) => paths.includes(path)),
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
  genuine = `${lines.join("\n")}\n`;
  writeFileSync(join(proc, "net/unix"), genuine);
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
  expect(await sessionId(tmux, uid, "work", kernel())).toBe("$3");
  rmSync(socketFile());
  expect(await createSession(tmux, person(), "work", neverStarts, kernel())).toEqual({
    refused: 'You have a session "work" already. Choose another name.',
  });
  rmSync(socketFile());
  tried.length = 0;
  expect(await createSession(tmux, person(), "other", neverStarts, kernel())).toEqual({ name: "other" });
  expect(tried.map(([command]) => command)).toEqual(["new-session"]);
});

test("a session that runs in it is not forgotten", async () => {
  await serverWithoutSocket();
  const done = await forgetSessions(tmux, person(), ["work", "gone"], 7, kernel());
  expect(done).toEqual({ forgotten: ["gone"], running: ["work"] });
});

test("what would come back is not told while it cannot be asked, and a mere look leaves its socket alone", async () => {
  const pid = await serverWithoutSocket();
  const refused = `their tmux server (process ${pid}) lives, and its socket ${SOCKET} is gone; \`tmux-persist restore\` or \`ws-me restore\` makes it bring the socket back`;
  await expect(presentState(tmux, person(), undefined, kernel())).rejects.toThrow(refused);
  expect(existsSync(socketFile())).toBe(false);
});

test("of two servers on one socket neither is chosen: their owner is told, and nothing is started or forgotten", async () => {
  const [one, other] = [await serverWithoutSocket(), await serverWithoutSocket()];
  const refused = expect.stringMatching(/^their tmux server .* lives, and its socket .* is gone; so does process/);
  expect(await createSession(tmux, person(), undefined, neverStarts, kernel())).toEqual({ refused });
  await expect(sessionId(tmux, uid, "work", kernel())).rejects.toThrow("is gone; so does process");
  await expect(forgetSessions(tmux, person(), ["work"], 7, kernel())).rejects.toThrow("is gone; so does process");
  // The first one answers again: what runs in the other one is still not seen.
  writeFileSync(socketFile(), "");
  const beside = `their tmux server (process ${other}) lives, and process ${one} has its socket`;
  expect(await sessionId(tmux, uid, "work", kernel())).toBe("$3");
  await expect(sessionId(tmux, uid, "lost", kernel())).rejects.toThrow(beside);
  await expect(forgetSessions(tmux, person(), ["lost"], 7, kernel())).rejects.toThrow(beside);
  await expect(presentState(tmux, person(), undefined, kernel())).rejects.toThrow(beside);
});

test("a server that begins to listen between the two looks has lost nothing", async () => {
  await serverWithoutSocket();
  const answers = [undefined, "work\n"];
  const starting: Tmux = { ...tmux, ask: async () => answers.shift() };
  expect(await askReviving(starting, uid, ["list-sessions"], false, kernel())).toEqual({ answer: "work\n" });
});

/** As a newline in the name of another person's socket adds it. */
const forge = (inode: number, path: string) =>
  writeFileSync(join(proc, "net/unix"), `${list()}0: 2 0 00010000 1 1 ${inode} ${path}\n`);

test("a line that another person has added to the kernel's list hides no server that lives", async () => {
  const pid = await serverWithoutSocket();
  forge(pid * 10, "/elsewhere");
  await expect(presentState(tmux, person(), undefined, kernel())).rejects.toThrow(`(process ${pid}) lives`);
  expect(await sessionId(tmux, uid, "work", kernel())).toBe("$3");
});

test("a line that another person has added to the kernel's list ends no process and keeps nobody from anything", async () => {
  const pid = await serverWithoutSocket();
  const listed = list();
  // It listens on another socket, or holds what is none of that kind.
  genuine = listed.replace(SOCKET, `${socketFolder(uid)}/work`);
  for (const own of [genuine, ""]) {
    writeFileSync(join(proc, "net/unix"), own);
    forge(pid * 10, SOCKET);
    expect(await askReviving(tmux, uid, ["list-sessions"], true, kernel())).toEqual({ answer: undefined });
    expect(existsSync(socketFile())).toBe(false);
  }
  // Nor is it one beside the server that answers.
  const other = await serverWithoutSocket();
  genuine = genuine.replace(SOCKET, `${socketFolder(uid)}/work`);
  writeFileSync(socketFile(), "");
  expect(list().split(SOCKET)).toHaveLength(3);
  expect(await askReviving(tmux, uid, ["list-sessions"], true, kernel())).toEqual({ answer: "work\n" });
  expect(other).not.toBe(pid);
});
