/** Parses JSON into the same tree as YAML's, because `JSON.parse` keeps the last of two equal keys and names no position. */

import { type ParseErrorCode, printParseErrorCode, visit } from "jsonc-parser";
import { quote } from "./quote.ts";
import type { Tree } from "./yaml-tree.ts";

export type JsonRead =
  | { readonly ok: true; readonly tree: Tree }
  | { readonly ok: false; readonly offset: number; readonly message: string };

const MAX_DEPTH = 32;

/** Strict JSON, at most 32 levels deep, every key once in its map. The first error ends the reading. */
export function readJson(text: string): JsonRead {
  try {
    return { ok: true, tree: treeOf(text) };
  } catch (error) {
    if (!(error instanceof NotJson)) throw error;
    return { ok: false, offset: error.offset, message: error.message };
  }
}

class NotJson extends Error {
  readonly offset: number;
  constructor(offset: number, message: string) {
    super(message);
    this.offset = offset;
  }
}

type Entries = Map<string, { readonly keyAt: number; readonly value: Tree }>;

/** A map or list that is not closed yet, and how the next value is put into it. */
type Open =
  | { readonly kind: "map"; readonly entries: Entries; key: { readonly name: string; readonly at: number } | undefined }
  | { readonly kind: "list"; readonly items: Tree[] };

function treeOf(text: string): Tree {
  let top: Tree | undefined;
  const open: Open[] = [];
  const add = (tree: Tree) => {
    // The parser calls itself for every level: an error here keeps it from running out of stack.
    if (open.length > MAX_DEPTH) throw new NotJson(tree.at, `nested more than ${MAX_DEPTH} levels deep`);
    const around = open.at(-1);
    if (around === undefined) top = tree;
    else if (around.kind === "list") around.items.push(tree);
    else if (around.key !== undefined) around.entries.set(around.key.name, { keyAt: around.key.at, value: tree });
  };
  visit(
    text,
    {
      onObjectBegin: (at) => {
        const entries: Entries = new Map();
        add({ kind: "map", at, isBlock: false, entries });
        open.push({ kind: "map", entries, key: undefined });
      },
      onObjectProperty: (name, at) => {
        const around = open.at(-1);
        if (around?.kind !== "map") return;
        if (around.entries.has(name))
          throw new NotJson(at, `the key ${quote(name)} stands here a second time; only one of the two can be meant`);
        around.key = { name, at };
      },
      onArrayBegin: (at) => {
        const items: Tree[] = [];
        add({ kind: "list", at, isBlock: false, items });
        open.push({ kind: "list", items });
      },
      onObjectEnd: () => void open.pop(),
      onArrayEnd: () => void open.pop(),
      onLiteralValue: (value: string | number | boolean | null, at) => add({ kind: "scalar", at, value }),
      onError: (code, at) => {
        const isAfterTop = top !== undefined && open.length === 0 && at < text.length;
        throw new NotJson(at, messageAt(text, at, isAfterTop ? "the end of the file" : expectedAt(code)));
      },
    },
    { disallowComments: true },
  );
  if (top === undefined) throw new NotJson(text.length, messageAt(text, text.length, "a value"));
  return top;
}

function messageAt(text: string, at: number, expected: string): string {
  const found = at >= text.length ? "the end of the file" : quote(text[at] ?? "");
  return `this is not JSON: expected ${expected} but found ${found}`;
}

const expectedAt = (code: ParseErrorCode): string => EXPECTED[printParseErrorCode(code)] ?? "a value";

/** What belongs where the parser stops; a value for every other error. */
const EXPECTED: Readonly<Record<string, string>> = {
  PropertyNameExpected: "a string in double quotes",
  ColonExpected: '":"',
  CommaExpected: '","',
  CloseBraceExpected: '"," or "}"',
  CloseBracketExpected: '"," or "]"',
  EndOfFileExpected: "the end of the file",
  UnexpectedEndOfString: "a whole string",
  InvalidCharacter: "a string without control characters",
  InvalidEscapeCharacter: "a string without this escape",
  InvalidUnicode: "an escape of four hexadecimal digits",
};
