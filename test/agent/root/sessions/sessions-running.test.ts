/** Tests whom a restore asks what runs of theirs: nobody whose server is certainly gone. */
import { mkdirSync, rmSync, type Stats } from "node:fs";
import { createServer } from "node:net";
import { expect, test } from "vitest";
import { uidsRunning } from "../../../../agent/root/accounts/find-processes.ts";
import { sessionsRunning } from "../../../../agent/root/sessions/observe-sessions.ts";
import { mayServe, socketFolder, socketOf } from "../../../../agent/shared/sessions/tmux-socket.ts";
import { memoryDoor } from "../../in-memory-system.ts";

const { sys } = memoryDoor();

/** Nobody's, so that no real server of this machine counts. */
const ana = { name: "ana", uid: 54_321, gid: 54_321, home: "/home/ana", shell: "/bin/sh" };

test("the uids that run a program are told by the kernel's name for it, a tmux server's under another name of its program too", () => {
  const status = new Map([
    [10, "Name:\ttmux: server\nUid:\t2001\t2001\t2001\t2001\n"],
    [11, "Name:\tbyobu: server\nUid:\t2002\t2002\t2002\t2002\n"],
    [12, "Name:\tbyobu-tmux-long\nUid:\t2004\t2004\t2004\t2004\n"],
    [14, "Name:\tsh\nUid:\t2003\t2003\t2003\t2003\n"],
  ]);
  const list = (path: string) => (path === "/proc" ? [...[...status.keys()].map(String), "13", "self"] : []);
  const found = uidsRunning({ ...sys, list, readProcess: (pid) => status.get(pid) }, mayServe);
  expect([...found]).toEqual([2001, 2002, 2004]);
});

/** An answer that is no list of sessions is their worker's to judge, and so no sessions that certainly run. */
const running = (serving: ReadonlySet<number>) => {
  const theirs = { isDirectory: () => true, uid: ana.uid, mode: 0o40700 } as Stats;
  const look = (path: string) => ([ana.home, socketFolder(ana.uid)].includes(path) ? theirs : undefined);
  return sessionsRunning({ ...sys, look }, ana, serving);
};

test("who runs no server, and on whose socket nobody listens, has none; everybody else is asked", async () => {
  expect(await running(new Set())).toBe("none");
  expect(await running(new Set([ana.uid]))).toEqual([]);
  mkdirSync(socketFolder(ana.uid), { recursive: true });
  const server = createServer().listen(socketOf(ana.uid));
  try {
    expect(await running(new Set())).toEqual([]);
  } finally {
    server.close();
    rmSync(socketFolder(ana.uid), { recursive: true, force: true });
  }
});
