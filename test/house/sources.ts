/** The project's own files as git knows them, for the tests that keep the house rules. */

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Paths relative to the root, tracked or new and not ignored, that match. */
export const files = (pattern: RegExp): string[] =>
  execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "-z"], { cwd: ROOT, encoding: "utf8" })
    .split("\0")
    .filter((path) => path !== "" && pattern.test(path) && exists(path));

export const text = (path: string): string => readFileSync(`${ROOT}/${path}`, "utf8");

function exists(path: string): boolean {
  try {
    readFileSync(`${ROOT}/${path}`);
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return false; // deleted, not yet committed
    throw cause;
  }
}
