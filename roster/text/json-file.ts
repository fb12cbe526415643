/** Reads a JSON file of the operator as plain data with positions, or reports the one problem that prevents it. */

import type { Position, Problem } from "../model.ts";
import { decode, positionAt } from "./decode.ts";
import { readJson } from "./json-tree.ts";
import { offsetOf, type Path, pathText } from "./tree-values.ts";
import type { TreeMap } from "./yaml-tree.ts";

export type JsonFile =
  | {
      readonly ok: true;
      readonly top: TreeMap;
      /** An error of this file, placed at the value of a path. */
      readonly problem: (path: Path, message: string, user?: string) => Problem;
    }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Reads a file whose top is a map; `what` names it in messages ("the user map"). Larger than `limitMiB` is refused. */
export function readJsonFile(source: Uint8Array | string, file: string, what: string, limitMiB: number): JsonFile {
  const fail = (at: Position, message: string): JsonFile => ({
    ok: false,
    problems: [{ severity: "error", file, ...at, path: "", message: `${what}: ${message}` }],
  });
  const decoded = decode(source, limitMiB);
  if (!decoded.ok) return fail(decoded.at, decoded.message);
  const { text } = decoded;
  const read = readJson(text);
  if (!read.ok) return fail(positionAt(text, read.offset), read.message);
  const { tree } = read;
  if (tree.kind !== "map") return fail({ line: 1, column: 1 }, "its top must be a map, in braces");
  return {
    ok: true,
    top: tree,
    problem: (path, message, user) => ({
      severity: "error",
      file,
      ...positionAt(text, offsetOf(tree, path)),
      ...(user === undefined ? {} : { user }),
      path: pathText(path),
      message: `${what}: ${message}`,
    }),
  };
}
