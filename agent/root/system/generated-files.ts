/** Converges generated files of the host: exact bytes, replaced when they differ. */

import type { Point } from "../../lib/failpoints.ts";
import { type Change, type Step, says } from "../../lib/converge.ts";
import type { System } from "./privileged-operations.ts";

export interface GeneratedFile {
  readonly path: string;
  readonly text: string;
  readonly mode: number;
  /** The group that may read it; root's own where absent. */
  readonly gid?: number;
}

/** The changes that bring these files about. Each belongs to root. */
export function fileChanges(sys: System, files: readonly GeneratedFile[], point: Point): readonly Change[] {
  return files.flatMap(({ path, text, mode, gid = 0 }) => {
    const stat = sys.look(path);
    const same = stat?.isFile() && (stat.mode & 0o7777) === mode && stat.uid === 0 && stat.gid === gid;
    if (same && sys.read(path)?.toString("utf8") === text) return [];
    const apply = () => {
      const directory = path.slice(0, path.lastIndexOf("/"));
      if (sys.look(directory) === undefined) sys.makeDirectory(directory, 0o755);
      sys.replaceFile(path, { bytes: text, mode, uid: 0, gid });
    };
    return [{ point, says: says(stat === undefined ? "write" : "replace", path), apply }];
  });
}

export const filesStep = (sys: System, name: string, files: readonly GeneratedFile[], point: Point): Step => ({
  name,
  differences: () => fileChanges(sys, files, point),
});
