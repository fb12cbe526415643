/** Clears the set-user-ID and set-group-ID bits of the files in an unpacked tree; folders keep theirs. */

import { chmodSync } from "node:fs";
import { SET_ID } from "../shared/home-entry.ts";
import { hold, release, thingsIn, type Held } from "./walk-tree.ts";
import type { TameTask } from "../shared/worker-protocol.ts";

export function tame({ folder }: TameTask): void {
  const below = (held: Held): void => {
    for (const { at, path, stat } of thingsIn(held)) {
      if (stat.isDirectory() && stat.dev === held.stat.dev) inside(hold(at, path));
      else if (stat.isFile() && (stat.mode & BigInt(SET_ID)) !== 0n) chmodSync(at, Number(stat.mode & 0o1777n));
    }
  };
  const inside = (held: Held): void => {
    try {
      below(held);
    } finally {
      release(held);
    }
  };
  inside(hold(folder, ""));
}
