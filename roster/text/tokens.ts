/** Splits YAML text into the tokens of the library's tokeniser, each with its offset in the text. */

import { CST, Lexer } from "yaml";

export interface Token {
  readonly offset: number;
  readonly source: string;
  readonly kind: ReturnType<typeof CST.tokenType>;
}

/** Every token of the text; those that stand for no character of it have the offset of the next one. */
export function* tokensOf(text: string): Generator<Token> {
  let offset = 0;
  // The tokeniser announces an unquoted value by a token of its own; what follows it is the value.
  let isScalar = false;
  for (const source of new Lexer().lex(text)) {
    yield { offset, source, kind: isScalar ? "scalar" : CST.tokenType(source) };
    if (isScalar || !SILENT.has(source)) offset += source.length;
    isScalar = !isScalar && source === CST.SCALAR;
  }
}

/** Tokens that the tokeniser adds and that stand for no character of the text. */
const SILENT: ReadonlySet<string> = new Set([CST.DOCUMENT, CST.FLOW_END, CST.SCALAR]);
