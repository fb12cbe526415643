/**
 * Stops text that is built to hurt a YAML parser before the parser sees it. The library's tokeniser is flat and fast;
 * its tree builder recurses and collects every error, so depth, length and number are bounded here, on the tokens.
 */

import { CST, Lexer } from "yaml";

/** Some 2,500 people with every field; with many more, hostile text would take longer than a second to refuse. */
const MAX_TOKENS = 200_000;
const MAX_DEPTH = 16;
const MAX_INDENT = 120;
const MAX_SCALAR = 4096;

export interface Hazard {
  readonly offset: number;
  readonly message: string;
}

/** The first thing in the text that a roster never needs and a parser suffers from; nothing when it is safe to parse. */
export function hazardIn(text: string): Hazard | undefined {
  let offset = 0;
  let tokens = 0;
  let flowDepth = 0;
  let inLine = 0;
  // The tokeniser announces an unquoted value by a token of its own; what follows it is the value.
  let isScalar = false;
  for (const token of new Lexer().lex(text)) {
    tokens++;
    const kind = isScalar ? "scalar" : CST.tokenType(token);
    if (kind === "flow-map-start" || kind === "flow-seq-start") flowDepth++;
    if (kind === "flow-map-end" || kind === "flow-seq-end") flowDepth = Math.max(0, flowDepth - 1);
    if (kind === "newline") inLine = 0;
    // Within brackets these signs stand beside each other and not inside one another.
    if (flowDepth === 0 && (kind === "seq-item-ind" || kind === "explicit-key-ind" || kind === "map-value-ind"))
      inLine++;
    if (tokens > MAX_TOKENS) {
      return {
        offset,
        message: `the file holds more than ${MAX_TOKENS} words and signs, which would be some 2500 people with every field; nothing was read`,
      };
    }
    if (flowDepth > MAX_DEPTH || inLine > MAX_DEPTH) {
      return { offset, message: `nested more than ${MAX_DEPTH} levels deep; a roster needs five` };
    }
    if (kind === "space" && token.length > MAX_INDENT && startsLine(text, offset)) {
      return { offset, message: `indented by ${token.length} characters; a roster needs eight` };
    }
    if ((isScalar || kind === "single-quoted-scalar" || kind === "double-quoted-scalar") && token.length > MAX_SCALAR) {
      return {
        offset,
        message: `a value of ${token.length} characters; nothing in a roster is longer than ${MAX_SCALAR}`,
      };
    }
    if (isScalar || !SILENT.has(token)) offset += token.length;
    isScalar = !isScalar && token === CST.SCALAR;
  }
  return undefined;
}

/** Tokens that the tokeniser adds and that stand for no character of the text. */
const SILENT: ReadonlySet<string> = new Set([CST.DOCUMENT, CST.FLOW_END, CST.SCALAR]);

const startsLine = (text: string, offset: number): boolean => offset === 0 || /[\r\n]/.test(text[offset - 1] ?? "");
