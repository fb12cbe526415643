/**
 * Preserves what a user writes into a clone during its update. Git checks that a file is unchanged and replaces it a
 * moment later; a write between the two would be lost. So each file that the update replaces keeps a second name below
 * `.git` until git is done, and is restored if it was written to.
 */

import { linkSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { lstat, readSmallFile, replaceFile } from "../../lib/files.ts";
import { Refusal, systemCode } from "../../lib/errors.ts";

const FOLDER = ".git/workstation-kept";
const LIST = "files.json";
const LIST_CAP_BYTES = 64 * 1024 * 1024;

/** One file as it was when it was put aside. */
interface Kept {
  /** Below the clone. */
  readonly path: string;
  readonly size: number;
  readonly modifiedMs: number;
}

/** Whether an update was broken off before what it had put aside was looked at. */
const isLeft = (clone: string): boolean => lstat(join(clone, FOLDER, LIST)) !== undefined;

/**
 * @param paths below the clone; one that is gone by now, or that this file system cannot give a second name, is left out,
 *   and so are all of a clone whose `.git` is elsewhere
 */
export function preserveFiles(clone: string, paths: readonly string[]): void {
  const folder = join(clone, FOLDER);
  if (!lstat(join(clone, ".git"))?.isDirectory()) return;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { mode: 0o700 });
  const kept: Kept[] = [];
  for (const path of paths) {
    const there = lstat(join(clone, path));
    if (there === undefined || !hasSecondName(join(clone, path), join(folder, String(kept.length)))) continue;
    kept.push({ path, size: there.size, modifiedMs: there.mtimeMs });
  }
  replaceFile(join(folder, LIST), { bytes: JSON.stringify(kept), mode: 0o600 });
}

/** What was written to since it was put aside, the place in the list with it. @throws Refusal when the list is damaged */
function written(clone: string): readonly (readonly [string, number])[] {
  return readList(clone).flatMap(({ path, size, modifiedMs }, at) => {
    const now = lstat(join(clone, FOLDER, String(at)));
    if (now === undefined || (now.size === size && now.mtimeMs === modifiedMs)) return [];
    return lstat(join(clone, path))?.ino === now.ino ? [] : [[path, at] as const];
  });
}

/**
 * Puts back what was written to since: in its place where nobody has touched that after the update, else beside it.
 *
 * @param touched asked only then: the paths whose file now is not the update's
 * @returns where what came back is, below the clone
 * @throws Refusal when the list of it is no longer readable
 */
export async function restoreWrittenFiles(
  clone: string,
  touched: () => Promise<ReadonlySet<string>>,
): Promise<readonly string[]> {
  if (!isLeft(clone)) return [];
  const theirs = written(clone);
  const after = theirs.length === 0 ? new Set<string>() : await touched();
  const back = theirs.map(([path, at]) => {
    const otherwise = beside(path, at);
    return putBack(clone, join(clone, FOLDER, String(at)), after.has(path) ? otherwise : path, otherwise);
  });
  rmSync(join(clone, FOLDER), { recursive: true, force: true });
  return back;
}

const beside = (path: string, at: number): string => `${path.replaceAll("/", "-")}.kept-${at}`;

/** The update may have taken the directory away, or have put one in the file's place. @returns which of the two it was */
function putBack(clone: string, aside: string, path: string, otherwise: string): string {
  try {
    mkdirSync(dirname(join(clone, path)), { recursive: true });
    renameSync(aside, join(clone, path));
    return path;
  } catch (error) {
    if (!["EISDIR", "ENOTDIR", "EEXIST", "ENOTEMPTY"].includes(systemCode(error) ?? "")) throw error;
    renameSync(aside, join(clone, otherwise));
    return otherwise;
  }
}

function readList(clone: string): readonly Kept[] {
  const path = join(clone, FOLDER, LIST);
  try {
    const list: unknown = JSON.parse(readSmallFile(path, LIST_CAP_BYTES)?.toString("utf8") ?? "");
    if (Array.isArray(list) && list.every(isKept)) return list;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new Refusal(`${path} is damaged: look through the files beside it, then remove their folder`);
}

const isKept = (entry: unknown): entry is Kept =>
  typeof entry === "object" && entry !== null && "path" in entry && typeof entry.path === "string";

function hasSecondName(path: string, second: string): boolean {
  try {
    linkSync(path, second);
    return true;
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "EXDEV", "EPERM", "EMLINK", "ENOTSUP"].includes(systemCode(error) ?? "")) return false;
    throw error;
  }
}
