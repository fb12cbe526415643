/**
 * Finds what is in the place of the paths that an update brings and is not in the present commit. Git does not look there
 * itself where it compares nothing: in a submodule's directory, and outside of a sparse checkout.
 */

import { readdirSync } from "node:fs";
import { absolute, type BytePath, type ChangedFile, entryAt, parentsOf, SUBMODULE } from "./changed-files.ts";

/** What the update would replace, by the outermost path that has to be moved away. */
export interface Obstacles {
  /** Files and links that are not tracked. */
  readonly entries: readonly BytePath[];
  /** Directories with anything in them that is not tracked, also a submodule or another clone. */
  readonly directories: readonly BytePath[];
}

/**
 * Looks at the paths of the update and at their parents, and never behind a link. A directory is read until something in
 * it is found that the update does not remove as a tracked file.
 *
 * @throws the file system's error where it cannot look
 */
export function findObstacles(clone: string, files: readonly ChangedFile[]): Obstacles {
  const tracked = new Map(files.filter(({ replaces }) => replaces).map((file) => [file.path, file]));
  const entries = new Set<BytePath>();
  const directories = new Set<BytePath>();
  const parents = new Map<BytePath, boolean>();

  /** Whether it is a directory in which more can be; an obstacle there is noted. */
  const leadsOn = (parent: BytePath): boolean => {
    const there = entryAt(clone, parent);
    const before = tracked.get(parent);
    if (there === undefined) return false;
    if (!there.isDirectory()) {
      if (before === undefined || before.wasSubmodule) entries.add(parent);
      return false;
    }
    if (before?.wasSubmodule && !isEmpty(clone, parent)) {
      directories.add(parent);
      return false;
    }
    return true;
  };
  const leadsOnOnce = (parent: BytePath): boolean => {
    const known = parents.get(parent) ?? leadsOn(parent);
    parents.set(parent, known);
    return known;
  };

  for (const { path, brings, replaces, wasSubmodule } of files) {
    if (brings === undefined || !parentsOf(path).every(leadsOnOnce)) continue;
    const there = entryAt(clone, path);
    if (there === undefined) continue;
    if (!there.isDirectory()) {
      // Git compares a tracked file itself.
      if (!replaces || wasSubmodule) entries.add(path);
    } else if (wasSubmodule) {
      // A submodule that stays one keeps its directory.
      if (brings.mode !== SUBMODULE && !isEmpty(clone, path)) directories.add(path);
    } else if (holdsMore(clone, path, tracked)) directories.add(path);
  }
  return { entries: [...entries], directories: [...directories] };
}

const namesIn = (clone: string, directory: BytePath): readonly BytePath[] =>
  readdirSync(absolute(clone, directory), { encoding: "latin1" });

const isEmpty = (clone: string, directory: BytePath): boolean => namesIn(clone, directory).length === 0;

/** Whether anything below is neither a directory nor a tracked file that the update removes. */
function holdsMore(clone: string, directory: BytePath, tracked: ReadonlyMap<BytePath, ChangedFile>): boolean {
  return namesIn(clone, directory).some((name) => {
    const path = `${directory}/${name}`;
    const before = tracked.get(path);
    if (entryAt(clone, path)?.isDirectory() !== true) return before === undefined || before.wasSubmodule === true;
    return before?.wasSubmodule ? !isEmpty(clone, path) : holdsMore(clone, path, tracked);
  });
}
