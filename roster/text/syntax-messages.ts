/** Turns the YAML library's errors into plain sentences, each at the place where its cause stands. */

import type { YAMLError } from "yaml";
import { quote } from "./quote.ts";
import { TAB, unclosedIn, type Unclosed } from "./unclosed-quotes.ts";
import type { TreeProblem } from "./tree-problem.ts";

/** One problem a cause, as far as causes can be told apart; what only follows from an earlier one is left out. */
export function syntaxProblems(errors: readonly YAMLError[], text: string): readonly TreeProblem[] {
  if (errors.length === 0) return [];
  const { quotes, brackets } = unclosedIn(text);
  const problems: TreeProblem[] = [];
  const unused = { quotes: [...quotes], brackets: [...brackets] };
  let noticed = -1;
  for (const error of errors) {
    // The parser may report one place several times: as no key, and as one without a value.
    if (error.pos[0] === noticed) continue;
    noticed = error.pos[0];
    const kind = UNCLOSED.find(({ says }) => says.test(error.message))?.kind;
    if (kind !== undefined) {
      const cause = takeBefore(unused[kind], error.pos[0]);
      if (cause !== undefined) problems.push(problemAt(cause.offset, cause.message, "rest"));
    } else if (/ in YAML (?:stream|document)/.test(error.message)) {
      // The roster ended early, so nothing that follows is judged: the first such sign is the only cause.
      if (brackets.length === 0 && quotes.length === 0) problems.push(closesNothing(error.pos[0], text));
      break;
    } else problems.push(problemOf(error, text));
  }
  return problems;
}

const UNCLOSED = [
  { kind: "quotes", says: /^Missing closing / },
  { kind: "brackets", says: /^Flow (?:map|sequence) .*end with a / },
] as const;

/** Each cause is told once; an error without one left is a consequence of those told already. */
function takeBefore(causes: Unclosed[], end: number): Unclosed | undefined {
  const index = causes.findIndex(({ offset }) => offset <= end);
  return index < 0 ? undefined : causes.splice(index, 1)[0];
}

const problemAt = (at: number, message: string, hides: TreeProblem["hides"]): TreeProblem => ({
  at,
  path: [],
  message,
  hides,
});

function closesNothing(at: number, text: string): TreeProblem {
  const sign = text[at] ?? "";
  const message = /[\]}]/.test(sign)
    ? `this ${quote(sign)} closes nothing; delete it, or put the whole value in quotes`
    : UNREADABLE;
  return problemAt(at, message, "rest");
}

interface Cause {
  readonly message: string;
  /** Where the cause stands, when that is not where the parser noticed it. */
  readonly at?: number;
  readonly hides?: TreeProblem["hides"];
}

/** What the library says and what an operator is told: the first rule that fits an error. */
interface Rule {
  readonly code: YAMLError["code"];
  readonly says?: RegExp;
  readonly cause: (text: string, at: number) => Cause;
}

const UNREADABLE =
  "YAML cannot read this; look for a missing quote, bracket, comma or colon here and on the line above";

function problemOf(error: YAMLError, text: string): TreeProblem {
  // A construct without an end is noticed at the end of the file, which may lie behind the last line's end.
  const noticed = Math.min(error.pos[0], Math.max(0, text.length - 1));
  const rule = RULES.find(({ code, says }) => code === error.code && (says === undefined || says.test(error.message)));
  const { message, at = noticed, hides = "row" } = rule?.cause(text, noticed) ?? { message: UNREADABLE };
  return problemAt(at, message, hides);
}

const always = (message: string, hides?: TreeProblem["hides"]) => (): Cause => ({
  message,
  ...(hides === undefined ? {} : { hides }),
});

/** What is told of a line that continues the value above. */
export const DEEPER =
  "this line is indented deeper than the line above, whose value it would continue; indent both alike";

/** What is told of a line that continues the value of a line in the same column. */
export const CONTINUES =
  "this line would continue the value of the line above, and no value of a roster has more than one line; write the whole value on one line, or a key with a colon";

/** What is told of a line that stands in no column of its own. */
export const uneven = (where: "above" | "below"): string =>
  `the indentation does not fit the lines ${where}; start the keys of one map, and the items of one list, in the same column`;

/** What is told of a word alone. */
export const noColon = (word: string): string =>
  `${quote(word)} is no key, because no colon follows it; write a colon, a space and the value, or delete this line`;

/** What is told of an item that stands at the level of keys. */
export const ITEM = "an item of a list stands among keys; write it below the key of its list, indented deeper";

/** A line that the parser cannot take for a key with its value. */
function noKey(text: string, noticed: number): Cause {
  const at = firstCharacter(text, noticed);
  const line = restOfLine(text, at);
  if (/^-\s/.test(line)) return { at, message: ITEM };
  const glued = /^(-|[\w.-]+:)([^\s:].*)$/.exec(line);
  if (glued !== null)
    return {
      at,
      message: `a space is missing after ${quote(glued[1]?.at(-1) ?? "")}; write ${quote(`${glued[1]} ${glued[2]}`)}`,
    };
  const word = /^\S+/.exec(line)?.[0] ?? "";
  return { at, message: noColon(word) };
}

/** Two colons on a line, or a line that continues the value above because it is indented too deep. */
function nestedKey(text: string, at: number): Cause {
  if (/:(\s|$)/.test(restOfLine(text, at)))
    return {
      message: 'a second ": " stands on this line; put the inner key on a line of its own, or quote the value',
    };
  const next = text.indexOf("\n", at);
  return { at: firstCharacter(text, next < 0 ? at : next), message: DEEPER };
}

function unevenIndent(text: string, noticed: number): Cause {
  const at = firstCharacter(text, noticed);
  if (/^-[^\s-]/.test(restOfLine(text, at))) return noKey(text, at);
  return { at, message: uneven("above") };
}

/** Signs that begin a value of a kind that a roster has no use for. */
const KINDS: Readonly<Record<string, string>> = { "&": "an anchor", "*": "an alias", "!": "a tag" };

function specialSign(text: string, at: number): Cause {
  const sign = [text[at] ?? "", /([&*!])\S*\s*$/.exec(text.slice(Math.max(0, at - 80), at))?.[1] ?? ""].find(
    (found) => KINDS[found] !== undefined,
  );
  return {
    message:
      sign === undefined
        ? UNREADABLE
        : `${quote(sign)} begins ${KINDS[sign]}, which a roster has no use for; delete it, or put the whole value in quotes`,
  };
}

const withinBrackets = (text: string, at: number): Cause => ({
  message:
    text[at] === "-"
      ? '"- " begins an item only on a line of its own; within brackets put a comma between items, as in [a, b]'
      : "a comma is missing after this; within brackets put one between items",
});

function blockText(text: string, noticed: number): Cause {
  // A figure and a sign of YAML's may stand between the one that begins the text and the first that is wrong.
  const from = Math.max(0, noticed - 8);
  const found = text.slice(from, noticed + 1).search(/[|>][^|>]*$/);
  const at = found < 0 ? noticed : from + found;
  return {
    at,
    message: `a value that begins with ${quote(text[at] ?? "")} is a text of several lines; put the whole value in quotes`,
  };
}

const secondDocument = (text: string, at: number): Cause => ({
  message: text.startsWith("---", at)
    ? 'a second YAML document begins here; a roster is one, so remove the line "---"'
    : 'the line "..." above ends the roster, and this follows it; remove that line',
});

const COMMA = "a comma is missing before this; within brackets put one between items";

const RULES: readonly Rule[] = [
  { code: "TAB_AS_INDENT", cause: always(TAB, "rest") },
  { code: "MULTIPLE_DOCS", cause: secondDocument },
  {
    code: "BAD_SCALAR_START",
    cause: (text, at) => ({
      // No field of a roster allows it in quotes either.
      message: `YAML allows no value that begins with ${quote(text[at] ?? "")}, and no field does; delete that character`,
      hides: "line",
    }),
  },
  {
    code: "BAD_DQ_ESCAPE",
    cause: always(
      "this backslash begins no escape that YAML has; put the value in single quotes, or write every backslash twice",
    ),
  },
  {
    code: "KEY_OVER_1024_CHARS",
    cause: always("a key of more than 1024 characters; nothing in a roster is that long"),
  },
  { code: "BLOCK_AS_IMPLICIT_KEY", says: /sequence/, cause: noKey },
  { code: "BLOCK_AS_IMPLICIT_KEY", cause: nestedKey },
  { code: "MULTILINE_IMPLICIT_KEY", says: /flow sequence/, cause: withinBrackets },
  { code: "MULTILINE_IMPLICIT_KEY", cause: noKey },
  { code: "BLOCK_IN_FLOW", cause: withinBrackets },
  { code: "BAD_INDENT", says: /same column/, cause: unevenIndent },
  {
    code: "MISSING_CHAR",
    says: /^Comments/,
    cause: always('"#" begins a comment only after a space; write a space before it, or put the whole value in quotes'),
  },
  { code: "MISSING_CHAR", says: /^Missing , /, cause: always(COMMA) },
  { code: "MISSING_CHAR", says: /^Missing space after :/, cause: always("a space is missing after this colon") },
  { code: "MISSING_CHAR", says: /^Sequence item/, cause: always('"- " is missing before this item of the list') },
  { code: "MISSING_CHAR", says: /anchors|props/, cause: specialSign },
  {
    code: "MISSING_CHAR",
    says: /directives-end marker$/,
    cause: always('a key stands on the line of "---"; write it on a line of its own'),
  },
  {
    code: "MISSING_CHAR",
    says: /^Implicit map keys/,
    cause: (text, at) => (/[&*!]\S*:\s+$/.test(text.slice(Math.max(0, at - 80), at)) ? specialSign : noKey)(text, at),
  },
  { code: "UNEXPECTED_TOKEN", says: /^Block scalar/, cause: blockText },
  {
    code: "UNEXPECTED_TOKEN",
    says: /on same line with key/,
    cause: always(
      "a list cannot begin on the line of its key; write it in brackets, as in [a, b], or each item on a line of its own below the key",
    ),
  },
  {
    code: "UNEXPECTED_TOKEN",
    says: /at node end$/,
    cause: always("the value ends before this; put the whole value in quotes, or delete what follows it"),
  },
  {
    code: "UNEXPECTED_TOKEN",
    says: /^Unexpected (,|empty item) in flow/,
    cause: always("nothing stands before this comma; delete it, or write the item"),
  },
  ...(
    [
      "ALIAS_PROPS",
      "BAD_ALIAS",
      "BAD_PROP_ORDER",
      "MULTIPLE_ANCHORS",
      "MULTIPLE_TAGS",
      "NON_STRING_KEY",
      "TAG_RESOLVE_FAILED",
    ] as const
  ).map((code): Rule => ({ code, cause: specialSign })),
];

const restOfLine = (text: string, at: number): string => /^.*/.exec(text.slice(at, at + 1024))?.[0] ?? "";

/** The offset of the first character from `at` on that is neither a space nor the end of a line. */
function firstCharacter(text: string, at: number): number {
  const blank = /[^ \t\r\n]/g;
  blank.lastIndex = at;
  return blank.exec(text)?.index ?? at;
}
