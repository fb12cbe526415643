/** Finds the directories that hold accounts' homes, behind symbolic links too, without a look at anything below a home. */

import { posix } from "node:path";
import { Refusal } from "../../lib/errors.ts";
import type { User } from "../system/account-database.ts";
import type { System } from "../system/privileged-operations.ts";

const HOMES = "/home";
/** Below are the system's own accounts, which have folders like `/` and `/usr/sbin` as homes; see `login.defs(5)`. */
const FIRST_USER_UID = 1000;
/** As many as the kernel follows. */
const MOST_LINKS = 40;

/**
 * `/home` and every home that does not lie in it, each by its own path and by the one that its symbolic links lead to.
 *
 * @throws Refusal where that path cannot be determined
 */
export function homeDirectories(sys: System, users: Iterable<User>): readonly string[] {
  const homes = [...users].filter(({ uid, home }) => uid >= FIRST_USER_UID || isIn(home, HOMES));
  const named = homes.map(({ home }) => posix.resolve("/", home)).filter((home) => home !== "/");
  const folder = resolveLinks(sys, HOMES, (path) => named.some((home) => home !== HOMES && isIn(path, home)));
  const found = new Set([HOMES, folder]);
  const isHome = (path: string) =>
    path !== folder && (isIn(path, folder) || named.some((home) => home !== HOMES && isIn(path, home)));
  for (const home of named) found.add(home).add(resolveLinks(sys, home, isHome));
  const all = [...found];
  return all.filter((home) => !all.some((other) => other !== home && isIn(home, other)));
}

/** Whether a path is the folder or lies below it. */
export const isIn = (path: string, folder: string): boolean =>
  folder === "/" || path === folder || path.startsWith(`${folder}/`);

/** @param isHome whether a path without links is a home or lies below one */
function resolveLinks(sys: System, path: string, isHome: (path: string) => boolean): string {
  let resolved = "/";
  let links = 0;
  const left = path.split("/");
  for (let name = left.shift(); name !== undefined; name = left.shift()) {
    if (name === "" || name === ".") continue;
    if (isHome(resolved))
      throw new Refusal(`the home ${path} leads below ${resolved}, a home where root does not look`);
    const next = posix.join(resolved, name);
    const target = name === ".." ? undefined : sys.readLink(next);
    if (target === undefined) {
      resolved = next;
      continue;
    }
    links += 1;
    if (links > MOST_LINKS) throw new Refusal(`the home ${path} leads through more than ${MOST_LINKS} symbolic links`);
    if (target.startsWith("/")) resolved = "/";
    left.unshift(...target.split("/"));
  }
  return resolved;
}
