/** Lists everything below a folder, with checksums on request, and reports what a removal could not read or delete. */

import { createHash } from "node:crypto";
import {
  accessSync,
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  openSync,
  readlinkSync,
  readSync,
} from "node:fs";
import { systemCode } from "../../lib/errors.ts";
import type { Entry } from "../shared/home-entry.ts";
import { type OpenDirectory, openDirectory, closeDirectory, type TreeEntry, entriesIn } from "./walk-tree.ts";
import type { ListTask, Obstacle } from "../shared/worker-protocol.ts";

type Tell = (line: Entry | Obstacle) => void;

export function list({ folder, read }: ListTask, tell: Tell): void {
  const top = openDirectory(folder, "");
  try {
    tell(entryOf(top.path, top.stat, ""));
    listIn(top, read, tell);
  } finally {
    closeDirectory(top);
  }
}

function listIn(directory: OpenDirectory, read: boolean, tell: Tell): void {
  const deletable = mayDeleteIn(directory);
  for (const thing of entriesIn(directory)) {
    const { path, at, stat } = thing;
    if (!deletable(stat)) tell({ obstacle: "undeletable", path });
    if (stat.dev !== directory.stat.dev) {
      tell({ obstacle: "another file system", path });
      continue;
    }
    if (stat.isDirectory()) {
      tell(entryOf(path, stat, ""));
      const below = unlessForbidden(() => openDirectory(at, path));
      if (below === undefined) {
        tell({ obstacle: "unreadable", path });
        continue;
      }
      try {
        listIn(below, read, tell);
      } finally {
        closeDirectory(below);
      }
    } else {
      const content = unlessForbidden(() => contentOf(thing, read));
      if (content === undefined) tell({ obstacle: "unreadable", path });
      tell(entryOf(path, stat, content ?? ""));
    }
  }
}

/** Their own directories can be opened up by them; in anybody else's it depends on what they are given there. */
function mayDeleteIn({ fd, stat }: OpenDirectory): (child: BigIntStats) => boolean {
  const me = BigInt(process.getuid?.() ?? 0);
  if (stat.uid === me) return () => true;
  const writable = unlessForbidden(() => {
    accessSync(`/proc/self/fd/${fd}`, constants.W_OK | constants.X_OK);
    return true;
  });
  const sticky = (stat.mode & 0o1000n) !== 0n;
  return (child) => writable === true && (!sticky || child.uid === me);
}

function contentOf({ at, stat }: TreeEntry, read: boolean): string | undefined {
  // Only root can have made it, and only root could make it again.
  if (typeOf(stat) === "x") return undefined;
  if (stat.isSymbolicLink()) return readlinkSync(at, { encoding: "buffer" }).toString("latin1");
  if (!stat.isFile()) return "";
  const fd = openSync(at, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    return read && fstatSync(fd).isFile() ? checksum(fd) : "";
  } finally {
    closeSync(fd);
  }
}

function checksum(fd: number): string {
  const hash = createHash("sha256");
  const buffer = Buffer.allocUnsafe(1 << 20);
  for (let got = readSync(fd, buffer); got > 0; got = readSync(fd, buffer)) hash.update(buffer.subarray(0, got));
  return hash.digest("hex");
}

/** Undefined where the person has no right to it. */
function unlessForbidden<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch (error) {
    if (systemCode(error) === "EACCES" || systemCode(error) === "EPERM") return undefined;
    throw error;
  }
}

const entryOf = (path: string, stat: BigIntStats, content: string): Entry => ({
  path,
  type: typeOf(stat),
  mode: Number(stat.mode & 0o7777n),
  uid: Number(stat.uid),
  gid: Number(stat.gid),
  size: stat.isFile() ? Number(stat.size) : 0,
  mtimeNs: String(stat.mtimeNs),
  content,
  inode: String(stat.ino),
  links: Number(stat.nlink),
});

export function typeOf(stat: BigIntStats): Entry["type"] {
  if (stat.isFile()) return "f";
  if (stat.isDirectory()) return "d";
  if (stat.isSymbolicLink()) return "l";
  if (stat.isFIFO()) return "p";
  return stat.isSocket() ? "s" : "x";
}
