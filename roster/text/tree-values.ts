/** Reads the plain value of a tree, and the position of a path in it. */

import { describeValue } from "./quote.ts";
import { UnquotedScalar } from "./scalar-source.ts";
import type { Tree } from "./yaml-tree.ts";

export type Path = readonly (string | number)[];

/**
 * The value as plain data; maps have no prototype, so that a key named `__proto__` is a key like any other. Numbers,
 * switches and empty values at the paths of `withSource` (as `pathText` writes them) come as `UnquotedScalar`.
 */
export const plainValue = (tree: Tree, withSource: ReadonlySet<string> = new Set()): unknown =>
  plain(tree, withSource, []);

/** `path` is one array for the whole tree: a copy for every value would take longer than all the rest. */
function plain(tree: Tree, withSource: ReadonlySet<string>, path: (string | number)[]): unknown {
  if (tree.kind === "list") return tree.items.map((item, index) => plainBelow(item, index, withSource, path));
  if (tree.kind === "map") {
    const value: Record<string, unknown> = Object.create(null);
    for (const [key, entry] of tree.entries) value[key] = plainBelow(entry.value, key, withSource, path);
    return value;
  }
  const { value, source } = tree;
  if (typeof value === "string" || source === undefined) return value;
  return withSource.size > 0 && withSource.has(pathText(path)) ? new UnquotedScalar(value, source) : value;
}

function plainBelow(
  tree: Tree,
  step: string | number,
  withSource: ReadonlySet<string>,
  path: (string | number)[],
): unknown {
  path.push(step);
  const value = plain(tree, withSource, path);
  path.pop();
  return value;
}

/** The value for a sentence: a number, a switch or an empty value is quoted as the file has it. */
export function describeTree(tree: Tree): string {
  if (tree.kind === "list") return "a list";
  if (tree.kind === "map") return "a map";
  const { value, source } = tree;
  return describeValue(typeof value === "string" || source === undefined ? value : new UnquotedScalar(value, source));
}

/** What stands at a path, or nothing where the tree does not go so far. */
export function treeAt(tree: Tree, path: Path): Tree | undefined {
  let here: Tree | undefined = tree;
  for (const step of path) {
    if (here?.kind === "map" && typeof step === "string") here = here.entries.get(step)?.value;
    else if (here?.kind === "list" && typeof step === "number") here = here.items[step];
    else return undefined;
  }
  return here;
}

/**
 * Offset of the value at a path, or of the nearest thing around it that is there. An indented map or list is found at
 * its key, which is where a person looks for it; so is what lacks a key, and anything when `key` is asked for.
 */
export function offsetOf(tree: Tree, path: Path, what: "value" | "key" = "value"): number {
  let here: Tree = tree;
  let at = tree.at;
  let keyOfHere = tree.at;
  for (const [index, step] of path.entries()) {
    const asksForKey = what === "key" && index === path.length - 1;
    if (here.kind === "map" && typeof step === "string") {
      const entry = here.entries.get(step);
      if (entry === undefined) return keyOfHere;
      here = entry.value;
      keyOfHere = entry.keyAt;
      at = asksForKey || (here.kind !== "scalar" && here.isBlock) ? entry.keyAt : here.at;
    } else if (here.kind === "list" && typeof step === "number") {
      const item: Tree | undefined = here.items[step];
      if (item === undefined) return at;
      here = item;
      at = item.at;
    } else return at;
  }
  return at;
}

/** `users.anca.namespaces[0]`; a key that is no plain word stands in brackets and quotes. */
export function pathText(path: Path): string {
  return path
    .map((step, index) => {
      if (typeof step === "number") return `[${step}]`;
      if (!/^[A-Za-z_][A-Za-z0-9_-]*$/.test(step)) return `[${JSON.stringify(step)}]`;
      return index === 0 ? step : `.${step}`;
    })
    .join("");
}
