/**
 * Parses YAML text to a plain tree with the position of every node. It is total: any text gives a tree, problems, or
 * both.
 */

import { Composer, isAlias, isMap, isPair, isScalar, isSeq, LineCounter, Parser, YAMLParseError } from "yaml";
import type { Node, Pair, ParsedNode, Scalar } from "yaml";
import type { Position } from "../model.ts";
import { type Scanned, safeTokens } from "./parser-limits.ts";
import { lineNumbersIn } from "./line-numbers.ts";
import { tablesIn } from "./tables.ts";
import { unmergedIn } from "./merge-conflicts-and-diffs.ts";
import { cleaned } from "./paste-artifacts.ts";
import { quote, describeValue } from "./quote.ts";
import { UnquotedScalar } from "./scalar-source.ts";
import type { TreeProblem } from "./tree-problem.ts";
import { CONTINUES, DEEPER, syntaxProblems } from "./syntax-messages.ts";

export type Tree = TreeMap | TreeList | TreeScalar;

export interface TreeMap {
  readonly kind: "map";
  readonly at: number;
  readonly isBlock: boolean;
  /** In the order of the file, without the later ones of doubled keys. */
  readonly entries: ReadonlyMap<string, TreeEntry>;
}

export interface TreeEntry {
  readonly keyAt: number;
  readonly value: Tree;
  /** Says what YAML takes the key for where that is no text: `the number 007`. */
  readonly keyIs?: string;
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
  /** What the file says where YAML reads a number, a switch or nothing: `0x10` and not 16. */
  readonly source?: string;
}

export interface Parsed {
  /** What was parsed; `positionOf` knows where the file has it. */
  readonly text: string;
  readonly tree: Tree | undefined;
  readonly problems: readonly TreeProblem[];
  /** Those of the problems that were corrected before the text was parsed. */
  readonly corrected: readonly TreeProblem[];
  readonly positionOf: (offset: number) => Position;
}

/** Reads YAML 1.2 without what a roster has no use for: aliases, tags, merge keys, several documents. */
export function parseYaml(source: string): Parsed {
  const { text, found } = cleaned(source);
  let lines: LineCounter | undefined;
  const positionOf = (offset: number): Position => {
    lines ??= linesOf(text);
    const { line, col } = lines.linePos(Math.min(offset, text.length));
    return { line, column: col };
  };
  const marked = [...lineNumbersIn(text), ...unmergedIn(text)];
  const hazards = marked.length === 0 ? tablesIn(text) : marked;
  const scanned: Scanned = hazards.length === 0 ? safeTokens(text) : { ok: false, hazards };
  if (!scanned.ok) {
    const problems = scanned.hazards.map(
      ({ offset: at, message }): TreeProblem => ({ at, path: [], message, hides: "row" }),
    );
    return { text, tree: undefined, corrected: [], problems, positionOf };
  }
  const { document, errors } = withoutStacks(() => compose(scanned.tokens, text.length));
  const corrected = found.map(({ offset, ...pasted }) => ({ at: offset, path: [], ...pasted }));
  const problems: TreeProblem[] = [...corrected, ...syntaxProblems(errors, text)];
  const tree = document?.contents == null ? undefined : grow(document.contents, [], { text, problems });
  return { text, tree, problems, corrected, positionOf };
}

/** Asked for by the first problem alone: most rosters have none. */
function linesOf(text: string): LineCounter {
  const lines = new LineCounter();
  lines.addNewLine(0);
  for (const newline of text.matchAll(/\r\n|\n|\r/g)) lines.addNewLine(newline.index + newline[0].length);
  return lines;
}

/** Does the work without a stack in its errors: the library makes one a fault, and to capture thousands takes seconds. */
function withoutStacks<Result>(work: () => Result): Result {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return work();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** Signs that belong to nothing: the first of them is the cause of the others. */
const MAX_ERRORS = 100;

/** The first document of the tokens with its errors; that there is a second one is one of them. */
function compose(tokens: readonly string[], length: number) {
  const parser = new Parser();
  function* nodes() {
    let errors = 0;
    for (const token of tokens) {
      for (const node of parser.next(token)) {
        if (node.type === "error" && ++errors > MAX_ERRORS) return;
        yield node;
      }
    }
    yield* parser.end();
  }
  const options = { prettyErrors: false, logLevel: "error", merge: false, uniqueKeys: false, version: "1.2" } as const;
  const documents = new Composer(options).compose(nodes(), true, length);
  const { value: document } = documents.next();
  const { value: second } = documents.next();
  const more =
    second === undefined ? [] : [new YAMLParseError([second.range[0], second.range[1]], "MULTIPLE_DOCS", "")];
  return { document, errors: [...(document?.errors ?? []), ...more] };
}

/** What growing a tree needs and collects. */
interface Found {
  readonly text: string;
  readonly problems: TreeProblem[];
}

/** `path` is one array for the whole tree, which a problem copies. */
function grow(node: ParsedNode | Node, path: (string | number)[], found: Found): Tree {
  const at = node.range?.[0] ?? 0;
  if (isAlias(node)) {
    const message = `${quote(`*${node.source}`)} is an alias; write the value out, so that a row shows what it grants, or put it in quotes`;
    found.problems.push({ at, path: [...path], message, hides: "row" });
    return { kind: "scalar", at, value: null };
  }
  // The library sets no tag on what it resolves by itself, so any tag was written by hand.
  if (node.tag !== undefined && !isTextTag(node)) found.problems.push(tagProblem(node, [...path], found.text));
  if (node.anchor !== undefined) {
    const sign = `&${node.anchor}`;
    const message = `${quote(sign)} is an anchor and no value; put it in quotes if it is the value, or delete it`;
    found.problems.push({
      ...{ at: Math.max(0, found.text.lastIndexOf(sign, at)), path: [...path], message, hides: "line" },
    });
  }
  if (isScalar(node)) return growScalar(node, at, path, found);
  if (isMap(node))
    return { kind: "map", at, isBlock: node.flow !== true, entries: growEntries(node.items, path, found) };
  if (!isSeq(node)) return growScalar(undefined, at, path, found);
  const items = node.items.map((item, index) => growBelow(nodeOf(item, at), index, path, found));
  return { kind: "list", at, isBlock: node.flow !== true, items };
}

function growBelow(node: Node, step: string | number, path: (string | number)[], found: Found): Tree {
  path.push(step);
  const tree = grow(node, path, found);
  path.pop();
  return tree;
}

/** @param node undefined where nothing stands in place of the value */
function growScalar(
  node: Scalar | undefined,
  at: number,
  path: TreeProblem["path"],
  { text, problems }: Found,
): TreeScalar {
  const comment = text[at] === "#" ? /^#[^\s#].*/.exec(text.slice(at, at + MAX_SIGN))?.[0] : undefined;
  // An empty roster and an empty list of people may be; a field of a row, or something below it, has a value.
  if (comment !== undefined && path.length > 2 && (node === undefined || node.value === null)) {
    const message = `${quote(comment.trimEnd())} is a comment, so no value is given here; put it in quotes if it is the value`;
    problems.push({ at, path: [...path], message, hides: "line" });
  }
  if (node === undefined) return { kind: "scalar", at, value: null };
  if (node.type === "PLAIN" && /[ \n]/.test(node.source ?? "")) {
    const newline = text.slice(at, node.range?.[1]).indexOf("\n");
    if (newline >= 0) problems.push(continuation(text, at + newline, [...path]));
  }
  return scalar(node, at);
}

/** YAML joins such lines to one value, which no field of a roster has. */
function continuation(text: string, newline: number, path: TreeProblem["path"]): TreeProblem {
  const at = newline + text.slice(newline).search(/\S|$/);
  const isDeeper = indentOf(text, at) > indentOf(text, newline - 1);
  return { at, path, message: isDeeper ? DEEPER : CONTINUES, hides: "row" };
}

/** How many blanks begin the line of an offset. */
function indentOf(text: string, at: number): number {
  const from = text.lastIndexOf("\n", at) + 1;
  return text.slice(from).search(/[^ \t]|$/);
}

/** What is shown of a comment or a tag is shorter. */
const MAX_SIGN = 200;

const isEmpty = (node: Node): boolean => node.range?.[0] === node.range?.[1];

/** A sign that says what is true of every value of a roster: that it is a text. */
const isTextTag = (node: Node): boolean => isScalar(node) && node.tag === "!" && !isEmpty(node);

function tagProblem(node: Node, path: TreeProblem["path"], text: string): TreeProblem {
  const last = text.lastIndexOf("!", node.range?.[0]);
  const at = text[last - 1] === "!" ? last - 1 : last;
  const sign = /^!!?[^\s,[\]{}]*/.exec(text.slice(at, at + MAX_SIGN))?.[0] ?? "!";
  if (sign === "!" && isEmpty(node)) {
    const message = '"!" is a tag and no value; put it in quotes if it is the value, or delete it';
    return { at, path, message, hides: "line" };
  }
  const message = `the tag ${quote(sign)} is not allowed; remove it, or put the value in quotes`;
  return { at, path, message, hides: "row" };
}

function growEntries(pairs: readonly unknown[], path: (string | number)[], found: Found): TreeMap["entries"] {
  const entries = new Map<string, TreeEntry>();
  for (const pair of pairs) {
    if (!isPair(pair)) continue;
    const { key, value } = pair as Pair<Node, Node | null>;
    const keyAt = key?.range?.[0] ?? 0;
    if (!isScalar(key)) {
      const what = isAlias(key) ? "an alias" : "a list or a map";
      found.problems.push({
        at: keyAt,
        path: [...path],
        message: `expected a text as the key but found ${what}`,
        hides: "nothing",
      });
      continue;
    }
    const { name, keyIs } = keyOf(key, keyAt);
    if (key.tag !== undefined || key.anchor !== undefined) growBelow(key, name, path, found);
    if (entries.has(name)) {
      found.problems.push({
        at: keyAt,
        path: [...path, name],
        message: `the key ${quote(name)} stands here a second time; keep one of the two`,
        hides: "nothing",
      });
      if (value !== null) growBelow(value, name, path, found);
      continue;
    }
    const tree = value === null ? undefined : growBelow(value, name, path, found);
    entries.set(name, {
      keyAt,
      value: tree ?? { kind: "scalar", at: keyAt, value: null },
      ...(keyIs === undefined ? {} : { keyIs }),
    });
  }
  return entries;
}

/** The key as it is written, so that what stands below `007` is judged as well. */
function keyOf(key: Scalar, at: number): { readonly name: string; readonly keyIs?: string } {
  if (typeof key.value === "string") return { name: key.value };
  const { value, source } = scalar(key, at);
  const name = source ?? String(key.source ?? "");
  const isTyped = typeof value === "number" || typeof value === "boolean";
  return { name, keyIs: describeValue(isTyped ? new UnquotedScalar(value, name) : null) };
}

const nodeOf = (item: unknown, at: number): Node =>
  isMap(item) || isSeq(item) || isScalar(item) || isAlias(item)
    ? item
    : ({ range: [at, at, at], tag: undefined } as unknown as Node);

function scalar({ value, source }: Scalar, at: number): TreeScalar {
  if (typeof value === "string") return { kind: "scalar", at, value };
  if (typeof value === "number" || typeof value === "boolean")
    return { kind: "scalar", at, value, source: source ?? String(value) };
  return source === undefined || source === ""
    ? { kind: "scalar", at, value: null }
    : { kind: "scalar", at, value: null, source };
}
