/** Splits YAML text into the lines that hold a key or an item, with the indentation of each. */

import { visitTokens } from "./yaml-tokens.ts";

/** A line of the text that is neither blank nor a comment, and does not continue a bracket or a quote. */
export interface BlockLine {
  /** From 0. */
  readonly number: number;
  readonly from: number;
  /** Spaces and tabs before the first character. */
  readonly indent: string;
  /** The key, or the only word of a line without a colon; absent for an item of a list and for any other text. */
  readonly key?: string;
  /** How many characters the key has with its quotes. */
  readonly keyLength: number;
  readonly hasColon: boolean;
  readonly hasValue: boolean;
  readonly isItem: boolean;
}

/** Longer keys are nobody's, and a search in endless lines would take long. */
const LOOKED_AT = 256;

const KEY = /^(?:"([^"\\]*)"|'([^']*)'|([\w.-]+))[ \t]*(:?)(?=[ \t\r]|$)[ \t]*(?:#.*)?([^\s#]?)/;

/** The lines in their order. */
export function blockLines(text: string): readonly BlockLine[] {
  const continued = continuedLines(text);
  const lines: BlockLine[] = [];
  let from = 0;
  for (let number = 0; from < text.length; number++) {
    const newline = text.indexOf("\n", from);
    const to = newline < 0 ? text.length : newline;
    if (!continued.has(number)) {
      const [, indent = "", rest = ""] = /^([ \t]*)(.*)/.exec(text.slice(from, Math.min(to, from + LOOKED_AT))) ?? [];
      if (!/^(?:#|\r|$|---|\.\.\.)/.test(rest)) lines.push({ number, from, indent, ...partsOf(rest) });
    }
    from = to + 1;
  }
  return lines;
}

function partsOf(rest: string): Omit<BlockLine, "number" | "from" | "indent"> {
  const none = { keyLength: 0, hasColon: false, hasValue: false, isItem: false };
  if (/^-(?=[ \t\r]|$)/.test(rest)) return { ...none, isItem: true };
  const found = KEY.exec(rest);
  if (found === null) return none;
  const [, double, single, plain, colon, value] = found;
  const hasColon = colon === ":";
  const hasValue = value !== "";
  const key = double ?? single ?? plain ?? "";
  if (!hasColon && hasValue) return none;
  return { key, keyLength: key.length + (plain === undefined ? 2 : 0), hasColon, hasValue, isItem: false };
}

/** The numbers of the lines that begin within a bracket, a quote or a text of several lines. */
function continuedLines(text: string): ReadonlySet<number> {
  const continued = new Set<number>();
  let number = 0;
  let depth = 0;
  visitTokens(text, (source, kind) => {
    if (kind === "flow-map-start" || kind === "flow-seq-start") depth++;
    if (kind === "flow-map-end" || kind === "flow-seq-end") depth = Math.max(0, depth - 1);
    if (kind === "flow-error-end") depth = 0;
    const isQuoted = kind === "single-quoted-scalar" || kind === "double-quoted-scalar";
    for (let at = source.indexOf("\n"); at >= 0; at = source.indexOf("\n", at + 1)) {
      number++;
      if (depth > 0 || isQuoted) continued.add(number);
    }
    return true;
  });
  return continued;
}
