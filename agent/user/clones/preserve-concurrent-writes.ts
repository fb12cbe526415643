/**
 * Preserves what a user writes into a clone during its update. Git checks that a file is unchanged and replaces it a
 * moment later; a write between the two would be lost. Each file that the update replaces has a second name in the
 * journal, and is restored if it was written to.
 */

import { mkdirSync, renameSync } from "node:fs";
import { lstat } from "../../lib/files.ts";
import { systemCode } from "../../lib/errors.ts";
import { absolute, type BytePath, entryAt, isObstructed } from "./changed-files.ts";
import { type Journal, keptName } from "./update-journal.ts";

/** What was written to since it was kept, with its place in the list. */
function written(clone: string, { kept }: Journal): readonly (readonly [BytePath, number])[] {
  return kept.flatMap(({ path, size, modifiedMs }, at) => {
    const now = lstat(keptName(clone, at));
    if (now === undefined || (now.size === size && now.mtimeMs === modifiedMs)) return [];
    return entryAt(clone, path)?.ino === now.ino ? [] : [[path, at] as const];
  });
}

/**
 * Restores what was written to since: in its place where nobody has touched that after the update, else beside it.
 *
 * @param touched asked only then: the paths whose file now is not the update's
 * @returns where the restored files are, below the clone
 */
export async function restoreWrittenFiles(
  clone: string,
  journal: Journal,
  touched: () => Promise<ReadonlySet<BytePath>>,
): Promise<readonly BytePath[]> {
  const theirs = written(clone, journal);
  const after = theirs.length === 0 ? new Set<BytePath>() : await touched();
  return theirs.map(([path, at]) => (after.has(path) ? restoreBeside(clone, at, path) : restore(clone, at, path)));
}

/** Restores a file that cannot have its own place back, under a name that nothing has. @returns that name */
export function restoreBeside(clone: string, at: number, path: BytePath): BytePath {
  const name = `${path.replaceAll("/", "-").slice(-LONGEST_NAME)}.kept-${at}`;
  let free = name;
  for (let more = 2; entryAt(clone, free) !== undefined; more += 1) free = `${name}-${more}`;
  renameSync(keptName(clone, at), absolute(clone, free));
  return free;
}

/** Less than the 255 bytes that a file system gives a name, with what is put behind it. */
const LONGEST_NAME = 220;

/**
 * Restores a file in its place, or beside it: the update may have taken the directory away or have put one in the file's
 * place, and its person may have put a link in the place of a directory. @returns where it is
 */
export function restore(clone: string, at: number, path: BytePath): BytePath {
  if (isObstructed(clone, path)) return restoreBeside(clone, at, path);
  try {
    mkdirSync(absolute(clone, directoryOf(path)), { recursive: true });
    renameSync(keptName(clone, at), absolute(clone, path));
    return path;
  } catch (error) {
    if (!["EISDIR", "ENOTDIR", "EEXIST", "ENOTEMPTY"].includes(systemCode(error) ?? "")) throw error;
    return restoreBeside(clone, at, path);
  }
}

const directoryOf = (path: BytePath): BytePath => path.slice(0, Math.max(0, path.lastIndexOf("/")));
