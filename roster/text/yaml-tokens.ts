/** Splits YAML text into the tokens of the library's tokeniser, each with its offset in the text. */

import { CST, Lexer } from "yaml";

export type TokenKind = ReturnType<typeof CST.tokenType>;

/**
 * Visits every token of the text in turn, until `visit` returns false; those that stand for no character of it have the
 * offset of the next one. An object for each token would take longer than what is done with it.
 */
export function visitTokens(text: string, visit: (source: string, kind: TokenKind, offset: number) => boolean): void {
  let offset = 0;
  // The tokeniser announces an unquoted value by a token of its own; what follows it is the value.
  let isScalar = false;
  for (const source of new Lexer().lex(text)) {
    if (!visit(source, isScalar ? "scalar" : CST.tokenType(source), offset)) return;
    if (isScalar || !isSilent(source)) offset += source.length;
    isScalar = !isScalar && source === CST.SCALAR;
  }
}

/** Whether the tokeniser adds the token, so that it stands for no character of the text. */
const isSilent = (source: string): boolean =>
  source === CST.SCALAR || source === CST.DOCUMENT || source === CST.FLOW_END;
