/**
 * Creates and publishes the folder into which a home is restored: the home itself where it is empty, else a new folder
 * in it.
 */

import { chmodSync, mkdirSync, readdirSync, renameSync, rmdirSync, unlinkSync } from "node:fs";
import { lstat } from "../../lib/files.ts";
import { Refusal } from "../../lib/errors.ts";
import { openDirectory, closeDirectory, entriesIn } from "./walk-tree.ts";
import type { PublishTargetTask, RestoreTarget, CreateTargetTask } from "../shared/worker-protocol.ts";

const unfinished = (home: string, name: string) => `${home}/.${name}.unfinished`;

export function createTarget({ home, name }: CreateTargetTask): RestoreTarget {
  if (readdirSync(home).length === 0) return { folder: home };
  const folder = unfinished(home, name);
  // What a killed restore left; nobody else calls a folder so.
  if (lstat(folder) !== undefined) clear(folder);
  mkdirSync(folder, { mode: 0o700 });
  return { folder, published: freeName(home, name) };
}

/** A rename onto an empty directory would replace it, so the name is looked for just before, and its person is this process. */
export function publishTarget({ home, name }: PublishTargetTask): RestoreTarget {
  const free = freeName(home, name);
  renameSync(unfinished(home, name), free);
  return { folder: free };
}

function freeName(home: string, name: string): string {
  for (let tried = 1; tried < 100; tried += 1) {
    const path = `${home}/${name}${tried === 1 ? "" : `-${tried}`}`;
    if (lstat(path) === undefined) return path;
  }
  throw new Refusal(`a hundred folders called ${name} already exist; move them away`);
}

/** With all that is in it, folders that were closed to their owner included. */
function clear(at: string | Buffer): void {
  chmodSync(at, 0o700);
  const directory = openDirectory(at, "");
  try {
    for (const thing of entriesIn(directory)) {
      if (thing.stat.isDirectory()) clear(thing.at);
      else unlinkSync(thing.at);
    }
  } finally {
    closeDirectory(directory);
  }
  rmdirSync(at);
}
