/** Tests that what is taken for certain of sockets is what the kernel tells, beside real sockets whose names add lines to its list. */
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { listedInodes } from "../../../../agent/shared/sessions/tmux-socket.ts";
import { KERNEL } from "../../../../agent/user/sessions/kernel-sockets.ts";

let folder: string;
const servers: Server[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "s-"));
});
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
  rmSync(folder, { recursive: true });
});
async function listen(path: string): Promise<void> {
  const server = createServer().listen(path);
  servers.push(server);
  await once(server, "listening");
}
const listed = (path: string) => listedInodes(readFileSync("/proc/net/unix", "utf8"), path);

test("names of others' sockets that hold a newline hide no socket and add none", async () => {
  const socket = join(folder, "socket");
  await listen(socket);
  const [inode = ""] = listed(socket);
  rmSync(socket);
  for (const [at, rest] of [`${inode} /elsewhere`, `4711 ${socket}`].entries())
    await listen(`\0${process.pid}-${at}\n0: 2 0 00010000 1 1 ${rest}\n`);
  await listen(`\0${process.pid}\nu LISTEN 0 1 ${socket} 4711 * 0 ino:1\n`);
  expect([...listed(socket)].sort()).toEqual([inode, "4711"].sort());
  expect(await KERNEL.listening([socket])).toEqual([{ inode, path: socket }]);
});

test("sockets are told by their whole names, whatever these hold and whatever others are like them", async () => {
  const paths = ["my work", "a*b(1)", "ü!|&[x]", "back\\slash", "-x"].map((name) => join(folder, name));
  for (const path of [...paths, join(folder, "MY WORK"), join(folder, "aXb(1)")]) await listen(path);
  const found = await KERNEL.listening(paths);
  expect(found.map(({ path }) => path).sort()).toEqual([...paths].sort());
  for (const { inode, path } of found) expect(listed(path)).toEqual([inode]);
  expect(await KERNEL.listening([join(folder, "none")])).toEqual([]);
});
