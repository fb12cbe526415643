/** Reads and replaces root's own files on a control plane. */

import { chmodSync, closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { basename, join } from "node:path";

/** Nothing where there is no such file. Every other failure is an error. */
export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw cause;
  }
}

/**
 * The old file or the new one, never half of one.
 * @param beside folder of the unfinished file, on the same disk: the kubelet would start whatever lies beside a manifest
 */
export function replaceFile(path: string, text: string, beside: string): void {
  const unfinished = join(beside, `.${basename(path)}.new`);
  const file = openSync(unfinished, "w", 0o600);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  chmodSync(unfinished, 0o600);
  renameSync(unfinished, path);
}

/** Root's alone: it holds who may vouch for people. */
export function ensureFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
}
