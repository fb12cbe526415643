/** Finds a text whose lines begin with their numbers, as editors, web pages, `cat -n` and `grep -n` show them. */

import type { Hazard } from "./parser-limits.ts";

const NUMBER = /^[ \t]*(\d{1,7})(?![\w-])(.*)/;

/**
 * One problem where every line has its number. Some pages copy a number as a line of its own, before the line that it
 * counts; a lone number is also what a blank line becomes.
 */
export function lineNumbersIn(text: string): readonly Hazard[] {
  let last: number | undefined;
  let count = 0;
  let isAlone = false;
  for (const [line] of text.matchAll(/[^\r\n]+/g)) {
    if (line.trim() === "") continue;
    const [, digits, rest = ""] = NUMBER.exec(line) ?? [];
    const number = digits === undefined ? undefined : Number(digits);
    if (number !== undefined && (last === undefined || number === last + 1)) {
      last = number;
      count++;
      isAlone = rest.trim() === "";
    } else if (isAlone) isAlone = false;
    else return [];
  }
  return count > 1 ? [{ offset: text.search(/\d/), message: MESSAGE }] : [];
}

const MESSAGE =
  "every line begins with its number, which a viewer shows beside the text; copy the text without the line numbers, or delete the numbers";
