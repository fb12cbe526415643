/** Reads the operator's files: returns the bytes, or one problem in the form of every other problem. */

import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import type { Problem } from "../roster/model.ts";

export type Input =
  | { readonly ok: true; readonly bytes: Uint8Array }
  | { readonly ok: false; readonly problem: Problem };

/** More than any of the checks accepts, so that they can say how much is too much without it being read. */
const MAX_BYTES = 32 * 1024 * 1024;

/** Reads a regular file, a pipe or, named `-`, standard input. */
export function readInput(file: string): Input {
  const fail = (message: string): Input => ({
    ok: false,
    problem: { severity: "error", file, line: 1, column: 1, path: "", message },
  });
  let descriptor: number | undefined;
  try {
    descriptor = file === "-" ? 0 : openSync(file, "r");
    const stat = fstatSync(descriptor);
    if (stat.isDirectory()) return fail("this is a directory; name the file in it");
    return { ok: true, bytes: readAll(descriptor) };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const said = code === undefined ? undefined : REASONS.get(code);
    if (code === undefined) throw error;
    return fail(said ?? `the file cannot be read (${code}); look at the path and the disk`);
  } finally {
    if (descriptor !== undefined && descriptor !== 0) closeSync(descriptor);
  }
}

const REASONS: ReadonlyMap<string, string> = new Map([
  ["ENOENT", "there is no such file; look at the spelling and the folder you are in"],
  ["ENOTDIR", "a part of this path is a file and no folder; look at the spelling"],
  ["EACCES", "you may not read this file; give yourself the right, or run as somebody who has it"],
  ["ELOOP", "this path is a circle of links; name the file itself"],
  ["ENAMETOOLONG", "no path is this long; look at what was pasted"],
]);

function readAll(descriptor: number): Uint8Array {
  const chunks: Buffer[] = [];
  let total = 0;
  while (total <= MAX_BYTES) {
    const chunk = Buffer.alloc(256 * 1024);
    const length = readSync(descriptor, chunk, 0, chunk.length, null);
    if (length === 0) break;
    chunks.push(chunk.subarray(0, length));
    total += length;
  }
  return Buffer.concat(chunks);
}
