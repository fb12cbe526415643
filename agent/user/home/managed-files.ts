/** Replaces files in a home that this program manages: when they differ, by rename, and never through a link. */

import type { Point } from "../../lib/failpoints.ts";
import { kindOf, lstat, readSmallFile, replaceFile } from "../../lib/files.ts";
import { Refusal } from "../../lib/errors.ts";
import { type Change, says } from "../../lib/converge.ts";
import { type StepContext, displayPath } from "./step-context.ts";

export interface OwnFile {
  readonly path: string;
  readonly text: string;
  readonly mode: number;
  readonly point: Point;
}

/**
 * The change that makes the file what it should be; none when it is. A link is the person's own arrangement and stays.
 *
 * @throws Refusal for a directory, a pipe or the like in its place.
 */
export function ownFileChanges(context: StepContext, { path, text, mode, point }: OwnFile): readonly Change[] {
  const there = lstat(path);
  const name = displayPath(context, path);
  if (there?.isSymbolicLink()) {
    context.warn(`${name} is a symbolic link: left unchanged`);
    return [];
  }
  if (there !== undefined && !there.isFile())
    throw new Refusal(`${name} is ${kindOf(there)}; it must be a regular file`);
  // Other names for the same bytes may be anybody's: the new file takes this name and leaves those alone.
  if (there !== undefined && there.nlink > 1)
    context.warn(`${name} has ${there.nlink} hard links; only this one was replaced`);
  const same = there !== undefined && (there.mode & 0o777) === mode && there.size === Buffer.byteLength(text);
  if (same && readSmallFile(path)?.toString("utf8") === text) return [];
  const apply = () => replaceFile(path, { bytes: text, mode });
  return [{ point, says: says(there === undefined ? "write" : "update", name), apply }];
}
