/**
 * Parses YAML text to a plain tree with the position of every node. It is total: any text gives a tree, problems, or
 * both.
 */

import { isAlias, isMap, isPair, isScalar, isSeq, LineCounter, parseDocument } from "yaml";
import type { Node, Pair, ParsedNode, YAMLError } from "yaml";
import type { Position } from "../model.ts";
import { hazardIn } from "./guard.ts";
import { quote, said } from "./quote.ts";

export type Tree = TreeMap | TreeList | TreeScalar;

export interface TreeMap {
  readonly kind: "map";
  readonly at: number;
  readonly isBlock: boolean;
  /** In the order of the file, without the later ones of doubled keys. */
  readonly entries: ReadonlyMap<string, { readonly keyAt: number; readonly value: Tree }>;
}

export interface TreeList {
  readonly kind: "list";
  readonly at: number;
  readonly isBlock: boolean;
  readonly items: readonly Tree[];
}

export interface TreeScalar {
  readonly kind: "scalar";
  readonly at: number;
  readonly value: string | number | boolean | null;
}

export interface TreeProblem {
  readonly at: number;
  readonly path: readonly (string | number)[];
  readonly message: string;
  /** The text around it could not be read: what stands near it may be mistaken for something else. */
  readonly breaks: boolean;
}

export interface Parsed {
  readonly tree: Tree | undefined;
  readonly problems: readonly TreeProblem[];
  readonly positionOf: (offset: number) => Position;
}

/** Reads YAML 1.2 without what a roster has no use for: aliases, tags, merge keys, several documents. */
export function parseYaml(text: string): Parsed {
  const lines = new LineCounter();
  lines.addNewLine(0);
  for (const newline of text.matchAll(/\r\n|\n|\r/g)) lines.addNewLine(newline.index + newline[0].length);
  const positionOf = (offset: number): Position => {
    const { line, col } = lines.linePos(Math.min(offset, text.length));
    return { line, column: col };
  };
  const hazard = hazardIn(text);
  if (hazard !== undefined) {
    return {
      tree: undefined,
      problems: [{ at: hazard.offset, path: [], message: hazard.message, breaks: true }],
      positionOf,
    };
  }
  const document = parseDocument(text, {
    prettyErrors: false,
    logLevel: "error",
    merge: false,
    uniqueKeys: false,
    version: "1.2",
  });
  const problems: TreeProblem[] = document.errors.map((error) => syntaxProblem(error, text));
  const tree = document.contents === null ? undefined : grow(document.contents, [], problems);
  return { tree, problems, positionOf };
}

function syntaxProblem(error: YAMLError, text: string): TreeProblem {
  const known = SYNTAX[error.code];
  const message = known ?? `${error.message.replace(/\s+/g, " ").slice(0, 120)}; mend the YAML here`;
  // An unfinished construct is reported at the end of the file, which may lie behind the last line's end.
  return { at: Math.min(error.pos[0], Math.max(0, text.length - 1)), path: [], message, breaks: true };
}

const SYNTAX: Partial<Record<YAMLError["code"], string>> = {
  TAB_AS_INDENT: "a tab indents this line; use spaces, two a level",
  MULTIPLE_DOCS: 'a second YAML document begins here; a roster is one, so remove the line "---"',
  BLOCK_AS_IMPLICIT_KEY:
    'a second ": " stands on this line; put the inner key on a line of its own, or quote the value',
  BAD_INDENT:
    "the indentation does not fit the lines above; start keys of one map in the same column, and close every bracket",
  MISSING_CHAR: "something that was opened is not closed here; look for a missing quote, bracket or colon",
};

function grow(node: ParsedNode | Node, path: readonly (string | number)[], problems: TreeProblem[]): Tree {
  const at = node.range?.[0] ?? 0;
  if (isAlias(node)) {
    problems.push({
      at,
      path,
      message: `"*${node.source}" is an alias; write the value out, so that a row shows what it grants`,
      breaks: true,
    });
    return { kind: "scalar", at, value: null };
  }
  if (node.tag !== undefined && !isPlainTag(node)) {
    problems.push({
      at,
      path,
      message: `the tag ${quote(node.tag.replace("tag:yaml.org,2002:", "!!"))} is not allowed; remove it`,
      breaks: true,
    });
  }
  if (isMap(node))
    return { kind: "map", at, isBlock: node.flow !== true, entries: growEntries(node.items, path, problems) };
  if (isSeq(node)) {
    const items = node.items.map((item, index) => grow(nodeOf(item, at), [...path, index], problems));
    return { kind: "list", at, isBlock: node.flow !== true, items };
  }
  return { kind: "scalar", at, value: isScalar(node) ? plain(node.value) : null };
}

/** The library sets no tag on what it resolves by itself, so any tag was written by hand. */
const isPlainTag = (node: Node): boolean => isScalar(node) && node.tag === "!";

function growEntries(
  pairs: readonly unknown[],
  path: readonly (string | number)[],
  problems: TreeProblem[],
): TreeMap["entries"] {
  const entries = new Map<string, { readonly keyAt: number; readonly value: Tree }>();
  for (const pair of pairs) {
    if (!isPair(pair)) continue;
    const { key, value } = pair as Pair<Node, Node | null>;
    const keyAt = key?.range?.[0] ?? 0;
    if (!isScalar(key) || typeof key.value !== "string") {
      const found = isScalar(key) ? said(key.value) : isAlias(key) ? "an alias" : "a list or a map";
      const right = isScalar(key) ? `; put it in quotes if it is a name: "${String(key.source ?? key.value)}"` : "";
      problems.push({ at: keyAt, path, message: `${found} stands where a key belongs${right}`, breaks: false });
      continue;
    }
    if (key.tag !== undefined) grow(key, [...path, key.value], problems);
    if (entries.has(key.value)) {
      problems.push({
        at: keyAt,
        path: [...path, key.value],
        message: `the key ${quote(key.value)} stands here a second time; keep one of the two`,
        breaks: false,
      });
      if (value !== null) grow(value, [...path, key.value], problems);
      continue;
    }
    const tree = value === null ? undefined : grow(value, [...path, key.value], problems);
    entries.set(key.value, { keyAt, value: tree ?? { kind: "scalar", at: keyAt, value: null } });
  }
  return entries;
}

const nodeOf = (item: unknown, at: number): Node =>
  isMap(item) || isSeq(item) || isScalar(item) || isAlias(item)
    ? item
    : ({ range: [at, at, at], tag: undefined } as unknown as Node);

function plain(value: unknown): TreeScalar["value"] {
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return value;
  return typeof value === "bigint" ? Number(value) : null;
}
