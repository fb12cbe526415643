/** Clears the set-user-ID and set-group-ID bits of the files in an unpacked tree; folders keep theirs. */

import { chmodSync } from "node:fs";
import { SET_ID } from "../shared/home-entry.ts";
import { openDirectory, closeDirectory, entriesIn, type OpenDirectory } from "./walk-tree.ts";
import type { ClearSetIdTask } from "../shared/worker-protocol.ts";

export function clearSetId({ folder }: ClearSetIdTask): void {
  const below = (directory: OpenDirectory): void => {
    for (const { at, path, stat } of entriesIn(directory)) {
      if (stat.isDirectory() && stat.dev === directory.stat.dev) inside(openDirectory(at, path));
      else if (stat.isFile() && (stat.mode & BigInt(SET_ID)) !== 0n) chmodSync(at, Number(stat.mode & 0o1777n));
    }
  };
  const inside = (directory: OpenDirectory): void => {
    try {
      below(directory);
    } finally {
      closeDirectory(directory);
    }
  };
  inside(openDirectory(folder, ""));
}
