/**
 * Stops text that is built to hurt a YAML parser before the parser sees it. The library's tokeniser is flat and fast;
 * its tree builder recurses and collects every error, so depth, length and number are bounded here, on the tokens.
 */

import { CST } from "yaml";
import { visitTokens } from "./yaml-tokens.ts";
import { unclosedQuote } from "./unclosed-quotes.ts";

/** Some 1,000 people with every field; with many more, hostile text would take longer than a second to refuse. */
export const MAX_TOKENS = 250_000;
const MAX_DEPTH = 16;
const MAX_INDENT = 120;
const MAX_SCALAR = 4096;

export interface Hazard {
  readonly offset: number;
  readonly message: string;
}

export type Scanned =
  | { readonly ok: true; readonly tokens: readonly string[] }
  | { readonly ok: false; readonly hazards: readonly Hazard[] };

/**
 * The tokens of the text for the parser, or what a roster never needs and a parser suffers from: everything that is too
 * long, up to the first thing that is too deep or too much.
 */
export function safeTokens(text: string): Scanned {
  const tokens: string[] = [];
  const hazards: Hazard[] = [];
  /** Where the sign of a text of several lines stands, until that text has come. */
  let blockAt: number | undefined;
  /** The last text that is too long: a colon behind it says that it is a key. */
  let long: Text | undefined;
  let flowDepth = 0;
  let inLine = 0;
  const stop = (offset: number, message: string): boolean => {
    hazards.push({ offset, message });
    return false;
  };
  visitTokens(text, (source, kind, offset) => {
    tokens.push(source);
    if (kind === "flow-map-start" || kind === "flow-seq-start") flowDepth++;
    if (kind === "flow-map-end" || kind === "flow-seq-end") flowDepth = Math.max(0, flowDepth - 1);
    if (kind === "newline") inLine = 0;
    // Within brackets these signs stand beside each other and not inside one another.
    if (flowDepth === 0 && (kind === "seq-item-ind" || kind === "explicit-key-ind" || kind === "map-value-ind"))
      inLine++;
    if (tokens.length > MAX_TOKENS) {
      return stop(
        offset,
        `the file holds more than ${MAX_TOKENS} words and signs, which would be some 1000 people with every field; nothing was read`,
      );
    }
    if (flowDepth > MAX_DEPTH || inLine > MAX_DEPTH)
      return stop(offset, `nested more than ${MAX_DEPTH} levels deep; a roster needs five`);
    if (kind === "space" && source.length > MAX_INDENT && startsLine(text, offset))
      return stop(offset, `indented by ${source.length} characters; a roster needs eight`);
    if (kind === "block-scalar-header") blockAt = offset;
    if (kind === "map-value-ind" && long !== undefined && offset === long.at + long.source.length)
      hazards.splice(-1, 1, tooLong(long, "key"));
    if (!SCALARS.has(kind ?? "") || source === CST.SCALAR) return true;
    if (source.length > MAX_SCALAR) {
      long = { at: offset, source };
      hazards.push(tooLong({ at: blockAt ?? offset, source }, "value"));
    }
    blockAt = undefined;
    return true;
  });
  return hazards.length === 0 ? { ok: true, tokens } : { ok: false, hazards };
}

const SCALARS: ReadonlySet<string> = new Set(["scalar", "single-quoted-scalar", "double-quoted-scalar"]);

interface Text {
  readonly at: number;
  readonly source: string;
}

/** No value of a roster goes on in the next line, so a quoted one that does has lost its second quote. */
function tooLong({ at, source }: Text, what: "key" | "value"): Hazard {
  const [first = ""] = source;
  const isQuoted = first === '"' || first === "'";
  if (isQuoted && source.includes("\n")) return { offset: at, message: unclosedQuote(first) };
  const length = source.trim().length - (isQuoted ? 2 : 0);
  const message = `a ${what} of ${length} characters; nothing in a roster is longer than ${MAX_SCALAR}`;
  return { offset: at, message };
}

const startsLine = (text: string, offset: number): boolean => offset === 0 || /[\r\n]/.test(text[offset - 1] ?? "");
