/** Reads a small file, and again whenever it has changed, so that a deployment needs no restart of its reader. */

import { readFileSync, statSync } from "node:fs";

/** @returns a function that gives what the file holds now; it throws when the file is missing or `parse` throws */
export function cachedFile<T>(path: string, parse: (text: string) => T): () => T {
  let kept: { readonly version: string; readonly value: T } | undefined;
  return () => {
    const { dev, ino, size, mtimeNs } = statSync(path, { bigint: true });
    const version = `${dev} ${ino} ${size} ${mtimeNs}`;
    if (kept?.version !== version) kept = { version, value: parse(readFileSync(path, "utf8")) };
    return kept.value;
  };
}
