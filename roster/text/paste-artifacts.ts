/** Finds what a paste or an interrupted merge leaves in a roster, and replaces it by characters that YAML can read. */

import { Lexer, CST } from "yaml";

export interface Pasted {
  readonly offset: number;
  readonly message: string;
}

export interface Cleaned {
  /** As long as the given text, so that every offset still holds. */
  readonly text: string;
  readonly found: readonly Pasted[];
}

/** Where a merge left both versions: until somebody chooses one, no line of the file can be judged. */
export function conflictIn(text: string): Pasted | undefined {
  const marker = /^(<{7}|>{7})(?=[ \r\n]|$)/m.exec(text);
  return marker === null
    ? undefined
    : {
        offset: marker.index,
        message:
          'git left a merge conflict here; keep one of the two versions and delete the lines that begin with "<<<<<<<", "=======" and ">>>>>>>"',
      };
}

/** Replaces lone carriage returns by line feeds, and characters that only look like a space by spaces. */
export function cleaned(text: string): Cleaned {
  const ends = withLineFeeds(text);
  const spaces = withSpaces(ends.text);
  return { text: spaces.text, found: [...ends.found, ...spaces.found] };
}

function withLineFeeds(text: string): Cleaned {
  const first = /\r(?!\n)/.exec(text);
  if (first === null) return { text, found: [] };
  const message =
    "this line ends in a carriage return alone, which YAML tools do not agree on; save the file with Unix line ends (LF)";
  return { text: text.replace(/\r(?!\n)/g, "\n"), found: [{ offset: first.index, message }] };
}

/** Spaces other than U+0020, and format characters that have no width: an editor shows neither. */
const INVISIBLE = /(?! )[\p{Zs}\p{Zl}\p{Zp}\p{Cf}]/gu;

/** One problem a line; comments are for people and may hold any of them. */
function withSpaces(text: string): Cleaned {
  const all = [...text.matchAll(INVISIBLE)];
  if (all.length === 0) return { text, found: [] };
  const outside = outsideComments(all, text);
  const found = outside
    .filter(({ index }, at) => {
      const before = outside[at - 1];
      return before === undefined || text.slice(before.index, index).includes("\n");
    })
    .map(({ index, 0: character }) => ({ offset: index, message: invisible(character) }));
  const at = new Set(outside.map(({ index }) => index));
  const replaced = text.replace(INVISIBLE, (character, index: number) =>
    at.has(index) ? " ".repeat(character.length) : character,
  );
  return { text: replaced, found };
}

function invisible(character: string): string {
  const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
  const looks = /\p{Cf}/u.test(character) ? "is invisible" : "only looks like a space";
  const name = character === "\u00a0" ? " (a no-break space)" : "";
  return `the character U+${code}${name} ${looks}; delete it, or type a space in its place`;
}

/** One pass over both, because a hostile file may hold many of either. */
function outsideComments(characters: readonly RegExpExecArray[], text: string): readonly RegExpExecArray[] {
  const comments = commentsOf(text);
  let next = 0;
  return characters.filter(({ index }) => {
    while ((comments[next]?.to ?? Number.POSITIVE_INFINITY) <= index) next++;
    return index < (comments[next]?.from ?? Number.POSITIVE_INFINITY);
  });
}

interface Span {
  readonly from: number;
  readonly to: number;
}

function commentsOf(text: string): readonly Span[] {
  const comments: Span[] = [];
  let offset = 0;
  let isScalar = false;
  for (const token of new Lexer().lex(text)) {
    if (!isScalar && SILENT.has(token)) {
      isScalar = token === CST.SCALAR;
      continue;
    }
    if (!isScalar && CST.tokenType(token) === "comment") comments.push({ from: offset, to: offset + token.length });
    offset += token.length;
    isScalar = false;
  }
  return comments;
}

/** Tokens that the tokeniser adds and that stand for no character of the text. */
const SILENT: ReadonlySet<string> = new Set([CST.DOCUMENT, CST.FLOW_END, CST.SCALAR]);
