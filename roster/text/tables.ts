/** Finds a text whose lines are the rows of a table: CSV, what a spreadsheet copies, or a table of Markdown. */

import type { Hazard } from "./parser-limits.ts";
import { quote } from "./quote.ts";

const SEPARATORS = [",", ";", "\t", "|"] as const;
/** A key of YAML, an item or a bracket, which no cell begins with. */
const YAML_LINE = /^[ \t]*(?:["']?[\w.-]+["']?[ \t]*:(?:[ \t]|$)|-[ \t]|[[\]{}])/m;

/** One problem where every line has the same number of cells and more than one, at the first line. */
export function tablesIn(text: string): readonly Hazard[] {
  const lines = text.split(/[\r\n]+/, MAX_ROWS).filter((line) => /^\s*[^\s#]/.test(line));
  const [first = "", second] = lines;
  if (second === undefined || lines.some((line) => YAML_LINE.test(line))) return [];
  const separator = SEPARATORS.find((sign) => first.includes(sign));
  if (separator === undefined || lines.some((line) => countOf(separator, line) !== countOf(separator, first)))
    return [];
  return [{ offset: text.indexOf(first) + first.search(/\S/), message: message(first.trim()) }];
}

/** The first lines tell. */
const MAX_ROWS = 100;

const countOf = (separator: string, line: string): number => line.split(separator).length;

const message = (row: string): string =>
  `${quote(row)} is a row of a table and no YAML; write users: and below it each person's name with a colon, and their fields below the name, one a line`;
