/**
 * Finds what word processors, chats, web pages and Markdown make of plain text, and replaces it by the characters that
 * were meant. No value of a roster may hold any of it, so a roster that is right is never changed.
 */

import { codePointOf, quote } from "./quote.ts";

export interface RichText {
  /** As long as what it replaces. */
  readonly text: string;
  readonly message: string;
}

interface Rule {
  /** Global, and multiline where it looks at the beginning of a line. */
  readonly pattern: RegExp;
  /** One sentence stands for all of them. */
  readonly isToldOnce?: boolean;
  readonly replace: (match: RegExpExecArray) => RichText;
}

const ENTITY = /&(?:#\d{1,7}|#[xX][\da-fA-F]{1,6}|nbsp|quot|apos|amp|lt|gt|[lr]s?[dl]?quot?o?|ndash|mdash|shy);/g;
const TAG = /<\/?(?:a|b|br|code|div|em|i|li|ol|p|pre|span|strong|td|th|tr|ul)(?:[ \t][^<>\n]*)?\/?>/g;
const FENCE = /^[ \t]*(?:`{3,}|~{3,})[ \t]*[\w-]*[ \t]*$/gm;
const LINK = /\[([^\][()\s]+)\]\((?:mailto:|https?:\/\/)[^()\s]*\)/g;
const EMPHASIS = /(?<=^|[\s:[,{])(\*{1,2})(?=[^\s*])([^\s*]+?)\1(?=[\s:,\]}]|$)/gm;
/** A number behind a colon whose comma makes it two values between braces. */
const COMMA =
  /(?<!\d)(?=\d)(?<=(?<key>\w*)["']?[ \t]*:[ \t]*)(\d+),(\d+[ \t]{0,2}[A-Za-z%]*)(?=[ \t]*(?:[,}\r\n]|$|#))/g;
const SHARE = "write a whole share of processors, such as 250% for 2,5 of them";
const THOUSANDTHS = "write thousandths of a processor, such as 2500m for 2,5 of them";
const SMALLER_UNIT = "write the digits and the unit alone, or a whole number of a smaller unit, such as 1536M for 1,5G";
/** What is written in place of a number with a comma, by its key. */
const WITHOUT_COMMA: ReadonlyMap<string | undefined, string> = new Map([
  ["cpu", SHARE],
  ["cpu_requests", THOUSANDTHS],
  ...["memory", "pane_memory", "memory_requests", "memory_limits"].map((key) => [key, SMALLER_UNIT] as const),
]);
/** Quotes around a part of a value only: YAML ends the value at the second one. */
const PARTLY_QUOTED = /(?=["'])(?<=[:[,{-][ \t]*)(["'])([\w.@+-]+)\1([\w.@+-]+)/g;
/** A list sign, and the key or the item behind it. */
const BULLET = /^([ \t]*)([*•·∙◦‣⁃▪▫●○■□➢➤✓]|[\u2010-\u2015\u2212]|\d{1,3}[.)])([ \t]+)(\S.*)$/gm;
const DOUBLE_QUOTES = /[“”„‟«»″〝〞＂]/;
const SINGLE_QUOTES = /[‘’‚‛‹›′＇]/;
const QUOTED = /[“”„‟«»″〝〞＂‘’‚‛‹›′＇`]/g;
const DASH = /[\u2010-\u2015\u2212\ufe58\ufe63]/g;
const FULL_WIDTH = /[\uff01-\uff5e]/g;

/** Letters of other scripts by the Latin letter that they are drawn like. */
const LOOKS_LIKE = new Map(
  Object.entries({
    ...{
      а: "a",
      е: "e",
      о: "o",
      р: "p",
      с: "c",
      у: "y",
      х: "x",
      і: "i",
      ј: "j",
      ѕ: "s",
      һ: "h",
      ԁ: "d",
      ԛ: "q",
      ԝ: "w",
    },
    ...{
      А: "A",
      В: "B",
      Е: "E",
      К: "K",
      М: "M",
      Н: "H",
      О: "O",
      Р: "P",
      С: "C",
      Т: "T",
      Х: "X",
      І: "I",
      Ј: "J",
      Ѕ: "S",
    },
    ...{
      ο: "o",
      ν: "v",
      Α: "A",
      Β: "B",
      Ε: "E",
      Ζ: "Z",
      Η: "H",
      Ι: "I",
      Κ: "K",
      Μ: "M",
      Ν: "N",
      Ο: "O",
      Ρ: "P",
      Τ: "T",
    },
    ...{ ı: "i", ɡ: "g", ℓ: "l", ⅼ: "l", ⅰ: "i" },
  }),
);
const LOOK_ALIKE = new RegExp(`[${[...LOOKS_LIKE.keys()].join("")}]`, "g");

/** Whether a text may hold any of it: most hold none, and are not searched rule by rule. */
export const MAY_BE_RICH = /[^\0-\x7f]|[`*~<&]|\]\(|["'][\w.@+-]+["'][\w.@+-]|\d,\d|^[ \t]*\d{1,3}[.)][ \t]/m;

/** In this order: a rule sees what the ones before it have made of the text. */
export const RICH_TEXT: readonly Rule[] = [
  {
    pattern: FENCE,
    isToldOnce: true,
    replace: ([fence]) => ({
      text: " ".repeat(fence.length),
      message: `${quote(fence.trim())} is a fence of Markdown; delete the lines that begin with ${quote(fence.trim().slice(0, 3))}`,
    }),
  },
  {
    pattern: LINK,
    replace: ([link, shown = ""]) => ({
      text: `"${shown}"`.padEnd(link.length),
      message: `${quote(link)} is a link of Markdown; write the text alone: ${shown}`,
    }),
  },
  {
    pattern: TAG,
    replace: ([tag]) => ({
      text: " ".repeat(tag.length),
      message: `${quote(tag)} is a tag of HTML; copy the roster as plain text, or delete the tag`,
    }),
  },
  {
    pattern: ENTITY,
    replace: ([entity]) => ({
      text: " ".repeat(entity.length),
      message: `${quote(entity)} is HTML for a character; copy the roster as plain text, or type the character itself`,
    }),
  },
  {
    pattern: EMPHASIS,
    replace: ([marked, sign = "", inner = ""]) => ({
      text: `"${inner}"`.padEnd(marked.length),
      message: `${quote(sign)} makes text bold or slanted in Markdown; write ${inner} alone`,
    }),
  },
  {
    pattern: PARTLY_QUOTED,
    replace: ([part, , inner = "", rest = ""]) => ({
      text: `${inner}${rest}`.padEnd(part.length),
      message: `the quotes of ${quote(part)} end within the value; write ${inner}${rest}`,
    }),
  },
  { pattern: BULLET, replace: bullet },
  {
    pattern: COMMA,
    replace: ({ 0: number, groups }) => ({
      text: number.replace(",", "."),
      message: `${quote(number)} has a comma, which no number of a roster has; ${WITHOUT_COMMA.get(groups?.key) ?? "write the digits alone"}`,
    }),
  },
  {
    pattern: DASH,
    replace: ([sign]) => ({ text: "-", message: `${named(sign)} is a dash and no hyphen; type "-" in its place` }),
  },
  {
    pattern: FULL_WIDTH,
    replace: ([sign]) => {
      const plain = String.fromCodePoint((sign.codePointAt(0) ?? 0) - 0xfee0);
      return { text: plain, message: `${named(sign)} is a full-width character; type ${quote(plain)} in its place` };
    },
  },
  {
    pattern: LOOK_ALIKE,
    replace: ([sign]) => {
      const plain = LOOKS_LIKE.get(sign) ?? "";
      return { text: plain, message: `${named(sign)} only looks like the Latin letter ${quote(plain)}; type that` };
    },
  },
  {
    pattern: QUOTED,
    replace: (match) => {
      const [sign] = match;
      const what = sign === "`" ? `${quote(sign)} marks code in Markdown` : `${named(sign)} is a typographic quote`;
      const text = !isPaired(match) ? " " : SINGLE_QUOTES.test(sign) ? "'" : '"';
      return {
        text,
        message: `${what}, which is no quote to YAML; type " in its place, or write the value without quotes`,
      };
    },
  },
];

/** A key keeps its column: the lines of a wrong one are moved afterwards. */
function bullet([, indent = "", sign = "", gap = "", rest = ""]: RegExpExecArray): RichText {
  const isKey = /^["'“”„‘’`]?[\w.-]+["'“”‘’`]?[ \t]*:(?:[ \t]|$)/.test(rest);
  const blank = " ".repeat(sign.length);
  return isKey
    ? {
        text: `${indent}${blank}${gap}${rest}`,
        message: `${quote(sign)} is a list sign, and a key follows it; delete the sign`,
      }
    : {
        text: `${indent}-${blank.slice(1)}${gap}${rest}`,
        message: `${quote(sign)} is no list sign of YAML; write "- " before each item`,
      };
}

/** An even number on the line, and no plain quote beside them that they would close. */
function isPaired({ index, input }: RegExpExecArray): boolean {
  const from = input.lastIndexOf("\n", index - 1) + 1;
  const end = input.indexOf("\n", index);
  const line = input.slice(from, end < 0 ? input.length : end);
  const doubles = [...line].filter((sign) => DOUBLE_QUOTES.test(sign) || sign === "`").length;
  const singles = [...line].filter((sign) => SINGLE_QUOTES.test(sign)).length;
  return !/["']/.test(line) && doubles % 2 === 0 && singles % 2 === 0;
}

function named(sign: string): string {
  return `${quote(sign)} (${codePointOf(sign)})`;
}
