/** Lists the files that differ between two commits of a clone, with names that may be of any bytes. */

import type { Stats } from "node:fs";
import { systemCode } from "../../lib/errors.ts";
import type { Ran } from "../../lib/exec.ts";
import { lstat } from "../../lib/files.ts";
import type { CloneContext } from "../home/step-context.ts";

/** A path below a clone with every byte as one character, since a name need not be UTF-8. */
export type BytePath = string;

/** The path as the file system takes it. */
export const absolute = (clone: string, path: BytePath): Buffer =>
  Buffer.concat([Buffer.from(`${clone}/`), Buffer.from(path, "latin1")]);

/** The directories above it, the outermost first. */
export function parentsOf(path: BytePath): readonly BytePath[] {
  const parts = path.split("/");
  return parts.slice(1).map((_, at) => parts.slice(0, at + 1).join("/"));
}

/** Whether something else than a directory is above the path: a file, or a link, behind which nothing is the clone's. */
export function isObstructed(clone: string, path: BytePath): boolean {
  for (const parent of parentsOf(path)) {
    const there = lstat(absolute(clone, parent));
    if (there === undefined) return false;
    if (!there.isDirectory()) return true;
  }
  return false;
}

/** What is at the path; undefined when nothing is, or when what is above it is no directory of the clone. */
export function entryAt(clone: string, path: BytePath): Stats | undefined {
  try {
    return isObstructed(clone, path) ? undefined : lstat(absolute(clone, path));
  } catch (error) {
    if (systemCode(error) === "ENOTDIR") return undefined;
    throw error;
  }
}

/** The path as a person reads it. */
export const readable = (path: BytePath): string => Buffer.from(path, "latin1").toString("utf8");

/** One file that an update brings, changes or takes away. */
export interface ChangedFile {
  readonly path: BytePath;
  /** What the update puts there; absent where it takes the file away. */
  readonly brings?: { readonly mode: string; readonly oid: string };
  /** Whether the update replaces or removes a file of the present commit. */
  readonly replaces: boolean;
  /** The entry of the present commit is a submodule: git compares nothing of what is in its directory. */
  readonly wasSubmodule?: true;
}

/** The mode of a submodule's entry. */
export const SUBMODULE = "160000";
const CAP_BYTES = 64 * 1024 * 1024;
const ENTRY = /^:(\d{6}) (\d{6}) [0-9a-f]+ ([0-9a-f]+) ([ADMT])$/;

/** @returns the files, or what git said instead; a submodule is one entry, since an update does not enter it */
export async function changedFiles(
  context: CloneContext,
  clone: string,
  from: string,
  to: string,
): Promise<readonly ChangedFile[] | Ran> {
  const args = ["diff-tree", "-r", "-z", "--no-renames", "--ignore-submodules=none", from, to, "--"];
  const ran = await context.git.run(args, { in: clone, bytes: true, capBytes: CAP_BYTES });
  if (ran.code !== 0) return ran;
  if (ran.overflowed)
    return { ...ran, code: undefined, stderr: "fatal: the update changes more files than fit in 64 MiB" };
  const fields = ran.stdout.split("\0");
  const files: ChangedFile[] = [];
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [, before, mode = "", oid = "", status] = ENTRY.exec(fields[at] ?? "") ?? [];
    const path = fields[at + 1] ?? "";
    if (status === undefined)
      return { ...ran, code: undefined, stderr: `fatal: git told of a change in an unknown form: ${fields[at]}` };
    const brings = status === "D" ? {} : { brings: { mode, oid } };
    files.push({ path, replaces: status !== "A", ...brings, ...(before === SUBMODULE ? { wasSubmodule: true } : {}) });
  }
  return files;
}
