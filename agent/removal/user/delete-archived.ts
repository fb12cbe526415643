/** Deletes from a home what its archive holds, as its user. What is not in the archive, or has changed since, stays. */

import { chmodSync, fchmodSync, rmdirSync, unlinkSync } from "node:fs";
import { hit } from "../../lib/failpoints.ts";
import { systemCode } from "../../lib/errors.ts";
import type { Entries, Entry } from "../shared/home-entry.ts";
import { typeOf } from "./list-tree.ts";
import { type OpenDirectory, openDirectory, closeDirectory, type TreeEntry, entriesIn } from "./walk-tree.ts";
import type { Remaining, DeleteTask } from "../shared/worker-protocol.ts";

export function deleteArchived({ folder }: DeleteTask, archived: Entries, tell: (line: Remaining) => void): void {
  const top = openDirectory(folder, "");
  try {
    let deleted = 0;
    wipeIn(
      top,
      archived,
      (thing) => {
        if (deleted === 0) hit("removal-wipe-entry", "before");
        remove(thing);
        deleted += 1;
        if (deleted === 2) hit("removal-wipe-entry", "after");
      },
      tell,
    );
  } finally {
    closeDirectory(top);
  }
}

function wipeIn(
  directory: OpenDirectory,
  archived: Entries,
  act: (thing: TreeEntry) => void,
  tell: (line: Remaining) => void,
): void {
  openUp(directory);
  for (const thing of entriesIn(directory)) {
    const why =
      whyNot(thing, archived.get(thing.path)) ??
      attempt(() => {
        if (thing.stat.isDirectory()) wipeBelow(thing, archived, act, tell);
        act(thing);
      });
    if (why !== undefined) tell({ left: why, path: thing.path });
  }
}

function wipeBelow(
  thing: TreeEntry,
  archived: Entries,
  act: (thing: TreeEntry) => void,
  tell: (line: Remaining) => void,
): void {
  // One that its owner may not read cannot be opened before it is opened up.
  if ((thing.stat.mode & 0o500n) !== 0o500n && isMine(thing.stat)) chmodSync(thing.at, 0o700);
  const below = openDirectory(thing.at, thing.path);
  try {
    wipeIn(below, archived, act, tell);
  } finally {
    closeDirectory(below);
  }
}

const isMine = ({ uid }: { readonly uid: bigint }): boolean => uid === BigInt(process.getuid?.() ?? 0);

function openUp({ fd, stat }: OpenDirectory): void {
  if ((stat.mode & 0o700n) !== 0o700n && isMine(stat)) fchmodSync(fd, 0o700);
}

const remove = ({ at, stat }: TreeEntry): void => (stat.isDirectory() ? rmdirSync(at) : unlinkSync(at));

/** Undefined for what the archive holds just as it is here. A further name of a file is as good as its first. */
function whyNot({ stat, parent }: TreeEntry, entry: Entry | undefined): string | undefined {
  if (stat.dev !== parent.stat.dev) return "it lies on another file system";
  if (entry === undefined) return "it is not in the archive";
  if (entry.type !== typeOf(stat)) return "it is something else than what was archived";
  if (entry.type === "d" || entry.type === "s") return undefined;
  const same = entry.inode === String(stat.ino) && entry.mtimeNs === String(stat.mtimeNs);
  return same && (entry.type !== "f" || entry.size === Number(stat.size))
    ? undefined
    : "it changed after it was archived";
}

/** Undefined when it went well. A directory that is not empty is told of by what is in it. */
function attempt(act: () => void): string | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    const code = systemCode(error);
    if (code === undefined) throw error;
    return REASONS.get(code) ?? `the system refused (${code})`;
  }
}

const REASONS: ReadonlyMap<string, string> = new Map([
  ["EPERM", "it cannot be deleted (it is immutable or belongs to another user)"],
  ["EACCES", "they have no right to delete it"],
  ["ENOTEMPTY", "it is not empty"],
  ["EBUSY", "something is mounted on it"],
  ["EROFS", "its file system is read-only"],
]);
