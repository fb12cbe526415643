/** Tests which tmux servers count as listening on a user's socket, in a folder laid out as the kernel's folder of processes. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { listedInodes, listedSockets, socketFolder, socketOf } from "../../../../agent/shared/sessions/tmux-socket.ts";
import { listenersElsewhere, listenersOn, mayListenOn } from "../../../../agent/user/sessions/own-processes.ts";
import { observe } from "../../../../agent/user/sessions/observe-sessions.ts";
import { askReviving } from "../../../../agent/user/sessions/revive-socket.ts";
import type { Tmux } from "../../../../agent/user/sessions/tmux-client.ts";

const { uid } = userInfo();
const SOCKET = socketOf(uid);
const NO_FIELDS = Array.from({ length: 18 }, () => "0").join(" ");

let folder: string;
let listed: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "processes-"));
  listed = [];
  mkdirSync(join(folder, "net"));
  mkdirSync(join(folder, "host/tmp"), { recursive: true });
  mkdirSync(join(folder, "private/tmp"), { recursive: true });
  mkdirSync(join(folder, "self"));
  symlinkSync(join(folder, "host"), join(folder, "self/root"));
});
afterEach(() => {
  for (const pid of hiddenPids.splice(0)) chmodSync(join(folder, `${pid}/fd`), 0o700);
  rmSync(folder, { recursive: true });
});

/** A process with one open socket, which the kernel lists under `path`. */
function listens(pid: number, root: string, { path = SOCKET, name = "tmux: server", parent = 1 } = {}): void {
  mkdirSync(join(folder, `${pid}/fd`), { recursive: true });
  writeFileSync(join(folder, `${pid}/stat`), `${pid} (${name}) S ${parent} ${NO_FIELDS}`);
  symlinkSync(`socket:[${pid}0]`, join(folder, `${pid}/fd/3`));
  symlinkSync(join(folder, root), join(folder, `${pid}/root`));
  listed.push(`0000000000000000: 00000002 00000000 00010000 0001 01 ${pid}0 ${path}`);
  writeFileSync(join(folder, "net/unix"), ["Num RefCount Protocol Flags Type St Inode Path", ...listed, ""].join("\n"));
}
const kernel = () => ({
  proc: folder,
  listening: async (paths: readonly string[]) =>
    listedSockets(listed.join("\n")).filter(({ path }) => paths.includes(path)),
});
const listeners = async () => (await listenersOn(uid, SOCKET, kernel())).servers;
const elsewhere = async () =>
  (await listenersElsewhere(uid, SOCKET, kernel())).map(({ pids, path }) => [...pids, path]);

test("a server in a /tmp of its own is not one that lost its socket here", async () => {
  listens(12, "private");
  expect(await listeners()).toEqual([]);
  listens(13, "host");
  expect(await listeners()).toEqual([13]);
});

test("a server counts that reaches the same /tmp by another root", async () => {
  mkdirSync(join(folder, "other"));
  symlinkSync(join(folder, "host/tmp"), join(folder, "other/tmp"));
  listens(12, "other");
  expect(await listeners()).toEqual([12]);
});

test("a server does not count whose root is gone, and neither does another socket or another program", async () => {
  listens(12, "gone");
  listens(13, "host", { path: `${socketFolder(uid)}/work` });
  listens(14, "host", { name: "socat" });
  expect(await listeners()).toEqual([]);
});

test("a server counts whatever its program is called, since it listens on the socket; its clients do not", async () => {
  listens(12, "host", { name: "tmux-next:" });
  listens(13, "host", { name: "byobu: server" });
  listens(14, "host", { name: "tmux: client" });
  // The kernel keeps no more of this one, so nothing is left of what tmux writes behind it.
  listens(15, "host", { name: "my-own-multiple" });
  expect(await listeners()).toEqual([12, 13, 15]);
});

test("what a server has just started, and is still a copy of it, is no second one", async () => {
  listens(12, "host");
  listens(13, "host", { parent: 12 });
  expect(await listeners()).toEqual([12]);
});

test("a server is found at every look while it opens and closes other descriptors", async () => {
  const socket = join(folder, "host/socket");
  const script = `
    process.title = "tmux: server";
    const { openSync, closeSync } = require("node:fs");
    require("node:net").createServer().listen(process.argv[1], () => {
      console.log("ready");
      setTimeout(() => process.exit(), 60_000);
      setInterval(() => {
        for (let at = 0; at < 2000; at++) for (const fd of [1, 2, 3].map(() => openSync("/dev/null"))) closeSync(fd);
      });
    });`;
  const child = spawn(process.execPath, ["-e", script, socket], { stdio: ["ignore", "pipe", "ignore"] });
  const ended = once(child, "close");
  try {
    await once(child.stdout, "data");
    for (let at = 0; at < 60; at++) expect(mayListenOn(uid, socket).servers).toEqual([child.pid]);
    expect((await listenersOn(uid, socket)).servers).toEqual([child.pid]);
  } finally {
    child.kill("SIGKILL");
    await ended;
  }
});

/** What runs with another group hides what it has open from its own person; root sees it all the same, so it gives that up. */
async function withoutRights<T>(act: () => Promise<T>): Promise<T> {
  if (uid !== 0) return act();
  execFileSync("/bin/chmod", ["-R", "a+rX", folder]);
  for (const pid of hiddenPids) chmodSync(join(folder, `${pid}/fd`), 0o000);
  process.seteuid?.(65_534);
  try {
    return await act();
  } finally {
    process.seteuid?.(0);
  }
}
const hiddenPids: number[] = [];
function hides(pid: number): void {
  chmodSync(join(folder, `${pid}/fd`), 0o000);
  hiddenPids.push(pid);
}

test("a server that hides its descriptors is named and no second one started, while the kernel lists its socket", async () => {
  const none: Tmux = { ...answering(1), ask: async () => undefined };
  const ask = (tmux: Tmux) => withoutRights(() => askReviving(tmux, uid, ["list-sessions"], true, kernel()));
  listens(12, "host");
  listens(14, "host", { name: "ssh-agent" });
  hides(12);
  hides(14);
  await expect(ask(none)).rejects.toThrow(/process 12 runs with another group/);
  // It answers, so nothing is wrong; the one that a visible server has replaced is named.
  expect(await ask(answering(12))).toEqual({ answer: "dev\n" });
  listens(13, "host");
  expect(await ask(answering(13))).toMatchObject({
    beside: expect.stringContaining("process 12) lives, and process 13"),
  });
  expect(await ask(answering(12))).toMatchObject({
    beside: expect.stringContaining("process 13) lives, and process 12"),
  });
});

test("who hides a process is not refused where the kernel lists no such socket, or a visible server has it", async () => {
  const none: Tmux = { ...answering(1), ask: async () => undefined };
  const ask = () => withoutRights(() => askReviving(none, uid, ["list-sessions"], true, kernel()));
  listens(12, "host", { path: "/run/other" });
  hides(12);
  expect(await ask()).toEqual({ answer: undefined });
  listens(13, "private");
  expect(await ask()).toEqual({ answer: undefined });
});

test("on another socket, a server that is not called tmux is found in a folder of tmux's alone", async () => {
  listens(12, "host", { path: `${socketFolder(uid)}/work`, name: "byobu: server" });
  listens(13, "host", { path: "/home/ana/socket", name: "tmux-next:" });
  listens(14, "host", { path: "/home/ana/rpc.sock", name: "gopls: server" });
  expect(await elsewhere()).toEqual([
    [12, `${socketFolder(uid)}/work`],
    [13, "/home/ana/socket"],
  ]);
});

/** The server of this process answers, as its person would be answered. */
const answering = (pid: number): Tmux => ({
  hasSocket: () => true,
  ask: async ([command]) => (command === "display-message" ? `${pid}\n` : "dev\n"),
  try: () => Promise.reject(new Error("nothing is to be changed")),
});

test("a server whose socket another one has replaced is named beside the answer of that one", async () => {
  listens(12, "host");
  expect(await askReviving(answering(12), uid, ["list-sessions"], true, kernel())).toEqual({ answer: "dev\n" });
  listens(13, "host");
  expect(await askReviving(answering(13), uid, ["list-sessions"], true, kernel())).toEqual({
    answer: "dev\n",
    beside: `their tmux server (process 12) lives, and process 13 has its socket ${SOCKET}: end one of them by hand`,
  });
});

test("a server on another socket is found with its path, and neither the usual one nor another program", async () => {
  listens(12, "host");
  listens(13, "host", { path: `${socketFolder(uid)}/my work` });
  listens(14, "host", { path: `/home/ana/tmux-${uid}/default` });
  listens(15, "host", { path: "/run/other", name: "socat" });
  // What its server was started by may have left it another socket.
  symlinkSync("socket:[150]", join(folder, "12/fd/2"));
  expect(await elsewhere()).toEqual([
    [13, `${socketFolder(uid)}/my work`],
    [14, `/home/ana/tmux-${uid}/default`],
  ]);
});

test("a real server on another socket is named by a look, also where none listens on the usual one", async () => {
  const socket = join(folder, "work");
  const tmux = (...args: readonly string[]) =>
    execFileSync("/usr/bin/tmux", ["-f", "/dev/null", "-S", socket, ...args], { encoding: "utf8" }).trim();
  const pid = tmux("new-session", "-d", "-P", "-F", "#{pid}");
  try {
    const nobodyAnswers: Tmux = { ...answering(1), ask: async () => undefined };
    const seen = await observe(nobodyAnswers, { uid, home: folder }, false);
    expect([seen.server, seen.warnings]).toEqual([
      "none",
      expect.arrayContaining([
        `their tmux server (process ${pid}) listens on ${socket} instead of ${SOCKET}: its sessions are neither recorded nor restored`,
      ]),
    ]);
  } finally {
    tmux("kill-server");
  }
});

test("a connection to a server is no server, though the kernel lists it under the same path", () => {
  const line = (flags: string, inode: number, path: string) => `0: 00000003 00000000 ${flags} 0001 03 ${inode} ${path}`;
  const all = [line("00010000", 1, SOCKET), line("00000000", 2, SOCKET), line("00010000", 3, `${SOCKET}2`)];
  expect(listedInodes(all.join("\n"), SOCKET)).toEqual(["1"]);
});

test("a line that another person has added to the kernel's list makes no server one on another socket", async () => {
  listens(12, "host");
  listens(13, "host", { path: `${socketFolder(uid)}/work` });
  const forged = [`120 ${socketFolder(uid)}/forged`, `130 ${SOCKET}`].map((rest) => `0: 2 0 00010000 1 1 ${rest}`);
  writeFileSync(join(folder, "net/unix"), [...listed, ...forged, ""].join("\n"));
  expect(await elsewhere()).toEqual([[13, `${socketFolder(uid)}/work`]]);
});

test("servers that hide their descriptors are named with each socket in tmux's folder that nobody else has", async () => {
  listens(12, "host");
  listens(13, "host", { path: `${socketFolder(uid)}/work` });
  listens(14, "host", { path: `${socketFolder(uid)}/seen` });
  for (const pid of [12, 13]) hides(pid);
  expect(await withoutRights(elsewhere)).toEqual([
    [14, `${socketFolder(uid)}/seen`],
    [12, 13, `${socketFolder(uid)}/work`],
  ]);
});

test("the one server that hides its descriptors has the usual socket, where nobody else has that", async () => {
  listens(12, "host");
  listens(13, "host", { path: `${socketFolder(uid)}/work`, name: "socat" });
  hides(12);
  expect(await withoutRights(elsewhere)).toEqual([]);
});
