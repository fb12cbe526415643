/** Finds the quotes and brackets of a text that are not closed, where the parser reports only the place it gave up at. */

import { quote } from "./quote.ts";
import { visitTokens } from "./yaml-tokens.ts";

/** What is told of a tab that indents. */
export const TAB = "a tab indents this line; use spaces, two a level";

/** What is told of a quote without its second one. */
export const unclosedQuote = (sign: string): string =>
  `this quote is not closed; write another ${sign} where the text ends`;

/** The sign that closes each bracket. */
const CLOSING: Readonly<Record<string, string>> = { "[": "]", "{": "}" };

export interface Unclosed {
  readonly offset: number;
  readonly message: string;
}

interface Opening {
  readonly offset: number;
  readonly sign: string;
  /** Where a line begins that is not indented deeper than the line of the bracket, and so ends it. */
  endedAt?: number;
  isClosedBelow?: boolean;
}

/** Quotes and brackets apart, in the order in which a parser meets their ends: inner ones before outer ones. */
export function unclosedIn(text: string): {
  readonly quotes: readonly Unclosed[];
  readonly brackets: readonly Unclosed[];
} {
  const quotes: Unclosed[] = [];
  const unclosed: Opening[] = [];
  /** The last bracket that a line ended, by the sign that would have closed it. */
  const ended = new Map<string, Opening>();
  let open: Opening[] = [];
  visitTokens(text, (source, kind, offset) => {
    if (kind === "single-quoted-scalar" || kind === "double-quoted-scalar") {
      if (source.length === 1 || source.at(-1) !== source[0])
        quotes.push({ offset, message: unclosedQuote(source.charAt(0)) });
    } else if (kind === "flow-map-start" || kind === "flow-seq-start") open.push({ offset, sign: source });
    else if (kind === "flow-error-end") {
      for (const opening of open) {
        opening.endedAt = offset;
        ended.set(CLOSING[opening.sign] ?? "", opening);
      }
      unclosed.push(...open.reverse());
      open = [];
    } else if (kind === "flow-map-end" || kind === "flow-seq-end") {
      const index = open.findLastIndex(({ sign }) => CLOSING[sign] === source);
      const earlier = ended.get(source);
      if (index >= 0) {
        unclosed.push(...open.splice(index + 1).reverse());
        open.pop();
      } else if (earlier !== undefined) earlier.isClosedBelow = true;
    }
    return true;
  });
  return { quotes, brackets: [...unclosed, ...open.reverse()].map((opening) => bracketProblem(opening, text)) };
}

function bracketProblem({ offset, sign, endedAt, isClosedBelow }: Opening, text: string): Unclosed {
  const lineStart = endedAt === undefined ? 0 : text.lastIndexOf("\n", endedAt - 1) + 1;
  const tab = text.slice(lineStart, endedAt).indexOf("\t");
  if (endedAt !== undefined && tab >= 0) return { offset: lineStart + tab, message: TAB };
  if (isClosedBelow === true)
    return { offset, message: `indent the lines within this ${quote(sign)} deeper than the line on which it stands` };
  const what = sign === "[" ? "list" : "map";
  return {
    offset,
    message: `this ${quote(sign)} is not closed; write ${quote(CLOSING[sign] ?? "")} where the ${what} ends`,
  };
}
