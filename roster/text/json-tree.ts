/** JSON text to the same tree as YAML's, because `JSON.parse` keeps the last of two equal keys and says nothing. */

import { quote } from "./quote.ts";
import type { Tree, TreeMap } from "./yaml-tree.ts";

export type JsonRead =
  | { readonly ok: true; readonly tree: Tree }
  | { readonly ok: false; readonly offset: number; readonly message: string };

const MAX_DEPTH = 32;

/** Strict JSON, at most 32 levels deep, every key once in its map. The first thing that is wrong ends the reading. */
export function readJson(text: string): JsonRead {
  const reader = new Reader(text);
  try {
    return { ok: true, tree: reader.document() };
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

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): Tree {
    const tree = this.#value(0);
    this.#space();
    if (this.#at < this.#text.length) this.#fail("the end of the file");
    return tree;
  }

  #value(depth: number): Tree {
    this.#space();
    const at = this.#at;
    if (depth > MAX_DEPTH) throw new NotJson(at, `nested more than ${MAX_DEPTH} levels deep`);
    const next = this.#text[at];
    if (next === "{") return this.#map(depth);
    if (next === "[") return this.#list(depth);
    if (next === '"') return { kind: "scalar", at, value: this.#string() };
    const word = this.#take(/(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.])/y);
    return { kind: "scalar", at, value: JSON.parse(word ?? this.#fail("a value")) as string };
  }

  #map(depth: number): TreeMap {
    const at = this.#at;
    const entries = new Map<string, { readonly keyAt: number; readonly value: Tree }>();
    this.#items("}", () => {
      this.#space();
      const keyAt = this.#at;
      const key = this.#string();
      if (entries.has(key))
        throw new NotJson(keyAt, `the key ${quote(key)} stands here a second time; only one of the two can be meant`);
      this.#space();
      if (this.#take(/:/y) === undefined) this.#fail('":"');
      entries.set(key, { keyAt, value: this.#value(depth + 1) });
    });
    return { kind: "map", at, isBlock: false, entries };
  }

  #list(depth: number): Tree {
    const at = this.#at;
    const items: Tree[] = [];
    this.#items("]", () => items.push(this.#value(depth + 1)));
    return { kind: "list", at, isBlock: false, items };
  }

  #items(close: "}" | "]", item: () => void): void {
    this.#at++;
    this.#space();
    for (let more = this.#text[this.#at] !== close; more; more = this.#take(/,/y) !== undefined) {
      item();
      this.#space();
    }
    if (this.#text[this.#at] !== close) this.#fail(`"," or "${close}"`);
    this.#at++;
  }

  #string(): string {
    const written = this.#take(/"(?:[^"\\\p{Cc}]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/uy);
    return JSON.parse(written ?? this.#fail("a string in double quotes")) as string;
  }

  #space(): void {
    this.#take(/[ \t\r\n]*/y);
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    this.#at += found?.length ?? 0;
    return found;
  }

  #fail(expected: string): never {
    const found = this.#at >= this.#text.length ? "the file ends" : `${quote(this.#text[this.#at] ?? "")} stands`;
    throw new NotJson(this.#at, `this is not JSON: ${found} where ${expected} belongs`);
  }
}
