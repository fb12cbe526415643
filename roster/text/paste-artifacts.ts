/** Finds what a paste leaves in a roster, and replaces it by characters that YAML can read. */

import type { Cleaned, Pasted } from "./cleaned-text.ts";
import { MAX_TOKENS } from "./parser-limits.ts";
import { codePointOf, quote } from "./quote.ts";
import { MAY_BE_RICH, RICH_TEXT } from "./rich-text-artifacts.ts";
import { TEMPLATE, withoutTemplates } from "./template-text.ts";
import { visitTokens } from "./yaml-tokens.ts";

/**
 * Replaces lone carriage returns by line feeds or spaces, characters that only look like a space by spaces, text of
 * templates by a word, and directives by blank lines.
 */
export function cleaned(text: string): Cleaned {
  const lines = withLines(text);
  const ends = withLineFeeds(lines.text);
  const rich = withoutRichText(ends.text);
  const spaces = withSpaces(rich.text);
  const templates = [...spaces.text.matchAll(TEMPLATE)];
  const filled =
    templates.length === 0
      ? { text: spaces.text, found: [] }
      : withoutTemplates(spaces.text, outsideComments(templates, spaces.text));
  const plain = withoutDirectives(filled.text);
  return {
    text: plain.text,
    found: [...lines.found, ...ends.found, ...rich.found, ...spaces.found, ...filled.found, ...plain.found],
  };
}

/** What stands between lines in a text without any line end, and what it is called. */
const OTHER_LINE_ENDS = [
  { pattern: /[\u2028\u2029\u0085]/g, replacement: "\n" },
  { pattern: /\u00a0(?=[ \t]*(?:#|-[ \t]|["']?[\w.-]+["']?[ \t]*:|$))/g, replacement: "\n" },
  { pattern: /\\n/g, replacement: " \n" },
] as const;

/** A whole text of one line whose line ends became something else on the way: one problem, and the lines are judged. */
function withLines(text: string): Cleaned {
  if (/[\n\r]/.test(text)) return { text, found: [] };
  for (const { pattern, replacement } of OTHER_LINE_ENDS) {
    const [first, second] = text.matchAll(pattern);
    if (first === undefined || second === undefined) continue;
    const message = `the whole text is one line with ${quoteLineEnd(first[0])} where lines should end; save it with Unix line ends (LF)`;
    return { text: text.replace(pattern, replacement), found: [{ offset: first.index, message, hides: "line" }] };
  }
  return { text, found: [] };
}

const quoteLineEnd = (sign: string): string =>
  sign.length === 1 ? `the character ${codePointOf(sign)}` : `a backslash and an "n"`;

/** One pass over the text for each rule, and none over a text that cannot hold any. */
function withoutRichText(source: string): Cleaned {
  let text = source;
  const found: Pasted[] = [];
  if (!MAY_BE_RICH.test(text)) return { text, found };
  for (const { pattern, replace, isToldOnce = false } of RICH_TEXT) {
    const matches = [...text.matchAll(pattern)];
    if (matches.length === 0) continue;
    const parts: string[] = [];
    let from = 0;
    for (const [index, match] of outsideComments(matches, text).entries()) {
      const { text: plain, message } = replace(match);
      parts.push(text.slice(from, match.index), plain);
      from = match.index + match[0].length;
      const sign = match.index + match[0].search(/\S/);
      if (index === 0 || !isToldOnce) found.push({ offset: sign, message, hides: "line" });
    }
    text = parts.join("") + text.slice(from);
  }
  return { text, found };
}

/** `%YAML 1.1` makes `yes` a switch and `0400` octal, and `%TAG` gives a tag another meaning. */
function withoutDirectives(text: string): Cleaned {
  const found: Pasted[] = [];
  const blanked: string[] = [];
  let from = 0;
  // YAML looks for directives before the document only, among blank lines and comments.
  while (from < text.length) {
    const newline = text.indexOf("\n", from);
    const to = newline === -1 ? text.length : newline + 1;
    const source = text.slice(from, to);
    const line = source.trim();
    if (source.startsWith("%")) {
      const message = `${quote(line)} is a directive, which may change the meaning of every line below; delete this line`;
      found.push({ offset: from, message, hides: "line" });
    } else if (line !== "" && !line.startsWith("#")) break;
    blanked.push(source.startsWith("%") ? source.replace(/[^\n]/g, " ") : source);
    from = to;
  }
  return found.length === 0 ? { text, found } : { text: blanked.join("") + text.slice(from), found };
}

const LONE_RETURN = /\r(?!\n)/g;
/** How a line of a roster begins: any other text behind a carriage return still belongs to the line before it. */
const BEGINS_LINE = /[ \t]*(?:#|-[ \t]|["']?[\w.-]+["']?[ \t]*:(?:[ \t\r\n]|$)|[\r\n]|$)/y;

/** A file of the oldest Macs has no line feed at all; in any other file some returns are line ends and some are stray. */
function withLineFeeds(text: string): Cleaned {
  const all = [...text.matchAll(LONE_RETURN)];
  if (all.length === 0) return { text, found: [] };
  const endsLine = ({ index }: RegExpExecArray) => {
    BEGINS_LINE.lastIndex = index + 1;
    return BEGINS_LINE.test(text);
  };
  const [ends, stray] = text.includes("\n") ? [all.filter(endsLine), all.filter((one) => !endsLine(one))] : [all, []];
  const inText = new Set((text.includes("\n") ? outsideComments(all, text) : all).map(({ index }) => index));
  const found = stray.map(({ index }): Pasted => {
    const where = inText.has(index) ? "on this line" : "in this comment";
    return { offset: index, message: `a carriage return stands ${where}; delete it`, hides: "line" };
  });
  const [first] = ends;
  // What follows a comment's may be the comment's own text.
  if (first !== undefined)
    found.push({ offset: first.index, message: RETURN, hides: inText.has(first.index) ? "line" : "lines" });
  const isStray = new Set(stray.map(({ index }) => index));
  return { text: text.replace(LONE_RETURN, (_, index: number) => (isStray.has(index) ? " " : "\n")), found };
}

const RETURN =
  "this line ends in a carriage return alone, which YAML tools do not agree on; save the file with Unix line ends (LF)";

/**
 * What an editor shows as a blank or not at all: spaces other than U+0020, characters without a width, letters and signs
 * that are blank, and accents that stand on no letter.
 */
const INVISIBLE =
  /(?! )[\p{Zs}\p{Zl}\p{Zp}\p{Cf}\p{Default_Ignorable_Code_Point}\u0085\u2800]|(?<![\p{L}\p{N}\p{M}])\p{M}+/gu;
const BLANK = /[\p{Zs}\p{Zl}\p{Zp}\u115f\u1160\u2800\u3164\uffa0]/u;

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
    .map(({ index, 0: character }) => ({
      offset: index,
      message: invisible(character),
      hides: isBetweenTokens(text, index, character.length) ? ("nothing" as const) : ("line" as const),
    }));
  const at = new Set(outside.map(({ index }) => index));
  const replaced = text.replace(INVISIBLE, (character, index: number) =>
    at.has(index) ? " ".repeat(character.length) : character,
  );
  return { text: replaced, found };
}

/** Before a key, before a value or at the end of a line, where a space changes nothing. */
function isBetweenTokens(text: string, index: number, length: number): boolean {
  const start = text.lastIndexOf("\n", index - 1) + 1;
  const end = text.indexOf("\n", index);
  const before = text.slice(start, index);
  const after = text.slice(index + length, end < 0 ? text.length : end);
  return /^\s*$/.test(before) || /^[^"']*:\s*$/.test(before) || /^\s*(?:#.*)?$/.test(after);
}

function invisible(character: string): string {
  const isAccent = /^(?!\p{Default_Ignorable_Code_Point})\p{M}/u.test(character);
  const looks = BLANK.test(character)
    ? "only looks like a space"
    : isAccent
      ? "is an accent without a letter"
      : "is invisible";
  const name = character === "\u00a0" ? " (a no-break space)" : "";
  return `the character ${codePointOf(character)}${name} ${looks}; delete it, or type a space in its place`;
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
  let seen = 0;
  visitTokens(text, (source, kind, offset) => {
    if (kind === "comment") comments.push({ from: offset, to: offset + source.length });
    // A text that holds more of them is not parsed.
    return ++seen <= MAX_TOKENS;
  });
  return comments;
}
