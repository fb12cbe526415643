/**
 * Records an update of a clone below its `.git` while it runs: the two commits, and a second name for the index, for
 * `ORIG_HEAD` and for each file and directory that the update replaces. From it, an update that failed is undone and what its person wrote is
 * restored.
 */

import {
  chmodSync,
  constants,
  copyFileSync,
  linkSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  type Stats,
  symlinkSync,
  utimesSync,
} from "node:fs";
import { join } from "node:path";
import { lstat, readSmallFile, replaceFile } from "../../lib/files.ts";
import { Refusal, systemCode } from "../../lib/errors.ts";
import { parseStat } from "../../shared/sessions/process-tree.ts";
import { absolute, type BytePath, type ChangedFile, entryAt, parentsOf } from "./changed-files.ts";

const FOLDER = ".git/workstation-kept";
const LIST = "files.json";
const LIST_CAP_BYTES = 128 * 1024 * 1024;

/** One file, or the directory in whose place the update puts one, as it was before. Its second name is its place in the list. */
export interface Kept {
  readonly path: BytePath;
  readonly size: number;
  readonly modifiedMs: number;
  /** The second name is a copy of its own. */
  readonly copied?: true;
  /** What the update puts in its place; absent where it takes the file away. */
  readonly brings?: ChangedFile["brings"];
}

/** One file that the update brings, where nothing was before. */
export interface Brought {
  readonly path: BytePath;
  readonly brings: NonNullable<ChangedFile["brings"]>;
  /** The outermost directory that has to be made for it. */
  readonly makes?: BytePath;
}

export interface Journal {
  /** The commits before and after; absent in a journal of the first version, which undoes nothing. */
  readonly from?: string;
  readonly to?: string;
  readonly kept: readonly Kept[];
  readonly brought: readonly Brought[];
  /** The process that updates, as the kernel tells it apart from every other one. */
  readonly process?: string;
}

/** The second name of the file at that place of the list, or of one of git's own files. */
export const keptName = (clone: string, at: number | "index" | "ORIG_HEAD"): string => join(clone, FOLDER, String(at));

/** Whether an update was broken off before its journal was closed. */
export const hasJournal = (clone: string): boolean => lstat(join(clone, FOLDER, LIST)) !== undefined;

/**
 * Why an update whose journal is open cannot be closed yet: the process that opened it lives, or a git holds the index. A
 * lock that a killed git left behind looks the same.
 */
export function stillAtWork(clone: string): "process" | "lock" | undefined {
  if (!hasJournal(clone)) return undefined;
  const owner = readJournal(clone).process;
  const lives = owner !== undefined && owner === processName(owner.split(" ")[0] ?? "");
  if (lives && owner !== processName(String(process.pid))) return "process";
  return lstat(join(clone, ".git/index.lock")) === undefined ? undefined : "lock";
}

/** Its id and when it started; undefined when there is none of that id. */
function processName(pid: string): string | undefined {
  try {
    const found = parseStat(readFileSync(`/proc/${pid}/stat`, "utf8"));
    return found === undefined ? undefined : `${found.pid} ${found.startedTicks}`;
  } catch (error) {
    if (["ENOENT", "ESRCH"].includes(systemCode(error) ?? "")) return undefined;
    throw error;
  }
}

/**
 * @throws the file system's error where a second name or the list cannot be written; nothing has been changed then
 */
export function openJournal(clone: string, from: string, to: string, files: readonly ChangedFile[]): void {
  const folder = join(clone, FOLDER);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { mode: 0o700 });
  try {
    const kept: Kept[] = [];
    const brought: Brought[] = [];
    for (const { path, replaces, brings } of files) {
      const there = entryAt(clone, path);
      if (there === undefined) {
        if (brings === undefined) continue;
        const makes = outermostMissing(clone, path);
        brought.push({ path, brings, ...(makes === undefined ? {} : { makes }) });
      } else if (replaces || there.isDirectory()) {
        const second = keptName(clone, kept.length);
        const how = keep(absolute(clone, path), there, second);
        const is = lstat(second);
        if (how === "gone" || is === undefined) continue;
        kept.push({
          path,
          size: is.size,
          modifiedMs: is.mtimeMs,
          ...(how === "copied" ? { copied: true } : {}),
          ...(brings === undefined ? {} : { brings }),
        });
      }
    }
    for (const name of ["index", "ORIG_HEAD"] as const) {
      const file = join(clone, ".git", name);
      const there = lstat(file);
      if (there !== undefined) keep(Buffer.from(file), there, keptName(clone, name));
    }
    const own = processName(String(process.pid));
    const journal: Journal = { from, to, kept, brought, ...(own === undefined ? {} : { process: own }) };
    replaceFile(join(folder, LIST), { bytes: JSON.stringify(journal), mode: 0o600 });
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

/** @throws Refusal when the list is damaged: nothing of it is thrown away */
export function readJournal(clone: string): Journal {
  const path = join(clone, FOLDER, LIST);
  try {
    const list: unknown = JSON.parse(readSmallFile(path, LIST_CAP_BYTES)?.toString("utf8") ?? "");
    if (Array.isArray(list) && list.every(isKept)) return { kept: list.map(fromFirstVersion), brought: [] };
    if (isJournal(list)) return list;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new Refusal(`${path} is damaged: look through the files beside it, then remove their folder`);
}

export const closeJournal = (clone: string): void => rmSync(join(clone, FOLDER), { recursive: true, force: true });

/** The file before the update is not in its place any more. */
export function isReplaced(clone: string, { path, copied }: Kept, at: number): boolean {
  const second = lstat(keptName(clone, at));
  const now = entryAt(clone, path);
  if (second?.isDirectory()) return now?.isDirectory() !== true;
  if (second === undefined || second.ino === now?.ino) return false;
  return copied !== true || !isOriginal(second, now);
}

/**
 * Whether the file is the one that was kept, of which the second name may be a copy: a copy carries the time of the
 * original as exactly as a number of seconds can.
 */
export const isOriginal = (second: Stats | undefined, now: Stats | undefined): boolean =>
  second?.ino === now?.ino ||
  (second !== undefined && now?.size === second.size && Math.abs(now.mtimeMs - second.mtimeMs) < 1);

/**
 * The paths that a finished update takes away and that are there all the same, since git does no more than warn of them:
 * in a directory that cannot be written, or a submodule's directory with something in it.
 */
export const notRemoved = (clone: string, { kept, brought }: Journal): readonly BytePath[] =>
  kept
    .filter(
      (one, at) => one.brings === undefined && entryAt(clone, one.path) !== undefined && !isReplaced(clone, one, at),
    )
    .map(({ path }) => path)
    .filter((path) => !brought.some((one) => one.path.startsWith(`${path}/`)));

/** Gives a file a second name; a copy where this file system, or the kernel's protection of hard links, gives none. A directory's is empty. */
export function keep(path: Buffer, there: Stats, second: string): "linked" | "copied" | "gone" {
  try {
    linkSync(path, second);
    return "linked";
  } catch (error) {
    const code = systemCode(error) ?? "";
    if (["ENOENT", "ENOTDIR"].includes(code)) return "gone";
    if (!["EXDEV", "EPERM", "EMLINK", "ENOTSUP"].includes(code)) throw error;
  }
  if (there.isSymbolicLink()) symlinkSync(readlinkSync(path, { encoding: "buffer" }), second);
  else if (there.isFile()) {
    copyFileSync(path, second, constants.COPYFILE_EXCL);
    utimesSync(second, there.atime, there.mtime);
  } else if (there.isDirectory()) {
    mkdirSync(second);
    // A directory that its owner cannot write cannot be moved to its place.
    chmodSync(second, (there.mode & 0o7777) | 0o700);
  } else return "gone";
  return "copied";
}

function outermostMissing(clone: string, path: BytePath): BytePath | undefined {
  return parentsOf(path).find((parent) => entryAt(clone, parent)?.isDirectory() !== true);
}

/** Its paths were text. */
const fromFirstVersion = (kept: Kept): Kept => ({ ...kept, path: Buffer.from(kept.path, "utf8").toString("latin1") });

const isKept = (entry: unknown): entry is Kept =>
  typeof entry === "object" && entry !== null && "path" in entry && typeof entry.path === "string";

const isJournal = (list: unknown): list is Journal =>
  typeof list === "object" &&
  list !== null &&
  "kept" in list &&
  "brought" in list &&
  Array.isArray(list.kept) &&
  Array.isArray(list.brought) &&
  [...list.kept, ...list.brought].every(isKept);
