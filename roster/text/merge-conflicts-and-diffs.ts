/**
 * Finds what an interrupted merge or a pasted diff leaves in a roster. Until somebody chooses a version, no line of such
 * a file can be judged.
 */

import type { Hazard } from "./parser-limits.ts";
import { quote } from "./quote.ts";

/** More of them help nobody: the first ones are fixed first. */
const MAX_FOUND = 1000;

/** Every conflict and every diff of the text, each where it begins. */
export function unmergedIn(text: string): readonly Hazard[] {
  const conflicts = conflictsIn(text);
  return conflicts.length > 0 ? conflicts : diffsIn(text);
}

/**
 * A line of git's markers. The attribute `conflict-marker-size` and nested conflicts make them longer than seven
 * characters, an editor may have indented them, a combined diff puts "+" and "-" before them, jj adds two of its own, and
 * each may be the only one that was forgotten.
 */
const CONFLICT_MARKER = /^[ \t]*(?:[-+]{0,2}(?:<{7,}|>{7,}|\|{7,}|={7,})|\+{7,}|%{7,})(?=[ \t\r\n]|$)/gm;

function conflictsIn(text: string): readonly Hazard[] {
  const found: Hazard[] = [];
  let isOpen = false;
  for (const { index, 0: marker } of text.matchAll(CONFLICT_MARKER)) {
    const begins = marker.includes("<");
    if (begins || !isOpen) found.push({ offset: index + marker.search(/\S/), message: CONFLICT });
    isOpen = !marker.includes(">");
    if (found.length === MAX_FOUND) break;
  }
  return found;
}

const CONFLICT =
  'git left a merge conflict here; keep one of the versions and delete the lines that begin with "<<<<<<<", "|||||||", "=======" and ">>>>>>>"';

/** A line that only a diff has: it tells that the lines with a sign, and those that it moved by a space, are a diff's too. */
const HEAD = /diff --git |@@ -\d|--- (?:[ab]\/|\/dev\/null|[^\s#]\S*\.ya?ml\b)|\+\+\+ \S|\\ No newline at end/;
/** A line that was added (`+5:` is a key that is a number), or a key or an item that was removed: the sign stands before everything else. */
const SIGNED =
  /[ \t]*\+(?!\d+[ \t]*:)[ \t]*(?:[\w"'#{}[\]-]|\r?$)|-(?:[ \t]{2,})?[\w.-]+:(?:[ \t\r]|$)|-[ \t]{2,}-[ \t]/;
/** A line of the oldest form of a diff, or of a quoted mail. */
const QUOTED = /[<>](?:[ \t].*)?$/;
const DIFF_LINE = new RegExp(`^(?:(${HEAD.source})|${SIGNED.source}|(${QUOTED.source})).*`, "gm");

/** A diff with a line of its own is one; of lines with a sign alone, those that follow one another are. */
function diffsIn(text: string): readonly Hazard[] {
  const found: Hazard[] = [];
  let end = -1;
  for (const { index, 0: line, 1: head, 2: quoted } of text.matchAll(DIFF_LINE)) {
    if (head === undefined && isItem(line, text.slice(index + line.length + 1))) continue;
    if (found.length === 0 || !/^(?:---\r?\n)?$/.test(text.slice(end + 1, index)))
      found.push({ offset: index + line.search(/\S/), message: diffLine(line.trim(), quoted !== undefined) });
    if (head !== undefined || found.length === MAX_FOUND) break;
    end = index + line.length;
  }
  return found;
}

/** Whether a line is an item of a list that is a map, whose next key stands in the same column. */
function isItem(line: string, below: string): boolean {
  const column = line.replace("-", " ").search(/\S/);
  return line.startsWith("-") && below.startsWith(" ".repeat(column)) && /[\w"']/.test(below.charAt(column));
}

const diffLine = (line: string, isQuoted: boolean): string =>
  isQuoted
    ? `${quote(line)} is a line of a diff or of a quoted mail; delete the lines that begin with "<", and the ">" before each of the others`
    : `${quote(line)} is a line of a diff; delete the lines that begin with "-", "@@" or "\\", and the "+" or the space that the diff puts before each of the others`;
