/**
 * Implements root's system operations on files in memory, for tests of the state that root keeps. It can be made to
 * fail at the n-th write.
 */
import type { Stats } from "node:fs";
import type { System } from "../../agent/root/system/privileged-operations.ts";

export interface MemoryDoor {
  readonly sys: System;
  /** Path to text. */
  readonly files: Map<string, string>;
  /** The writes after so many more fail with `killed here`. */
  breakAfter(writes: number): void;
}

export function memoryDoor(): MemoryDoor {
  const files = new Map<string, string>();
  const links = new Map<string, string>();
  let left = Number.POSITIVE_INFINITY;
  const write = (act: () => void) => {
    if (left <= 0) throw new Error("killed here");
    left -= 1;
    act();
  };
  const never = () => {
    throw new Error("not in this test");
  };
  const sys: System = {
    read: (path) => {
      const text = files.get(path);
      return text === undefined ? undefined : Buffer.from(text, "utf8");
    },
    look: (path) => {
      const size = Buffer.byteLength(files.get(path) ?? "");
      return files.has(path) ? ({ isFile: () => true, size } as Stats) : undefined;
    },
    list: (path) =>
      [...files.keys(), ...links.keys()]
        .filter((name) => name.startsWith(`${path}/`))
        .map((name) => name.slice(path.length + 1))
        .sort(),
    readLink: (path) => links.get(path),
    readProcess: never,
    run: never,
    replaceFile: (path, { bytes }) => write(() => void files.set(path, bytes.toString())),
    makeDirectory: () => write(() => undefined),
    replaceLink: (path, target) => write(() => void links.set(path, target)),
    move: never,
    remove: (path) => write(() => void files.delete(path)),
    makeHome: never,
    closeHome: never,
    renameHome: never,
    linkHome: never,
  };
  return { sys, files, breakAfter: (writes) => (left = writes) };
}
