/** Tests which tmux servers count as listening on a user's socket, in a folder laid out as the kernel's folder of processes. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { listenersOn } from "../../../../agent/user/sessions/own-processes.ts";

const SOCKET = "/tmp/tmux-2000/default";
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
afterEach(() => rmSync(folder, { recursive: true }));

/** A process with one open socket, which the kernel lists under `path`. */
function listens(pid: number, root: string, { path = SOCKET, name = "tmux: server" } = {}): void {
  mkdirSync(join(folder, `${pid}/fd`), { recursive: true });
  writeFileSync(join(folder, `${pid}/stat`), `${pid} (${name}) S 1 ${NO_FIELDS}`);
  symlinkSync(`socket:[${pid}0]`, join(folder, `${pid}/fd/3`));
  symlinkSync(join(folder, root), join(folder, `${pid}/root`));
  listed.push(`0000000000000000: 00000002 00000000 00010000 0001 01 ${pid}0 ${path}`);
  writeFileSync(join(folder, "net/unix"), ["Num RefCount Protocol Flags Type St Inode Path", ...listed, ""].join("\n"));
}
const listeners = () => listenersOn(userInfo().uid, SOCKET, folder);

test("a server in a /tmp of its own is not one that lost its socket here", () => {
  listens(12, "private");
  expect(listeners()).toEqual([]);
  listens(13, "host");
  expect(listeners()).toEqual([13]);
});

test("a server counts that reaches the same /tmp by another root", () => {
  mkdirSync(join(folder, "other"));
  symlinkSync(join(folder, "host/tmp"), join(folder, "other/tmp"));
  listens(12, "other");
  expect(listeners()).toEqual([12]);
});

test("a server does not count whose root is gone, and neither does another socket or another program", () => {
  listens(12, "gone");
  listens(13, "host", { path: "/tmp/tmux-2000/work" });
  listens(14, "host", { name: "socat" });
  expect(listeners()).toEqual([]);
});
