/** Relates what the parser found in the text to the rows: whose row it is, and what only echoes another problem. */

import type { Problem } from "./model.ts";
import type { TreeProblem } from "./text/tree-problem.ts";
import type { Parsed, TreeMap } from "./text/yaml-tree.ts";

/** Where the rows of a roster stand in its text. */
export interface RowExtents {
  /** The row that begins last before an offset, which need not end behind it. */
  readonly rowBefore: (offset: number) => string | undefined;
  /** The row that an offset surely belongs to: every line since its key is indented deeper than the key. */
  readonly rowAround: (offset: number) => string | undefined;
}

/** Finds the row of any offset; `users` is absent where the text holds no map of people. */
export function rowExtents(users: TreeMap | undefined, text: string): RowExtents {
  const starts = [...(users?.entries ?? [])]
    .map(([user, { keyAt }]) => ({ user, from: keyAt }))
    .sort((a, b) => a.from - b.from);
  const ends = new Map<string, number>();
  const before = (offset: number) => {
    let low = 0;
    for (let high = starts.length; low < high; ) {
      const middle = (low + high) >> 1;
      if ((starts[middle]?.from ?? 0) <= offset) low = middle + 1;
      else high = middle;
    }
    return starts[low - 1];
  };
  return {
    rowBefore: (offset) => before(offset)?.user,
    rowAround: (offset) => {
      const row = users?.isBlock === true ? before(offset) : undefined;
      // A problem of the key itself may be that it is no person's.
      if (row === undefined || row.from === offset) return undefined;
      const end = ends.get(row.user) ?? endOfRow(text, row.from);
      ends.set(row.user, end);
      return offset < end ? row.user : undefined;
    },
  };
}

/** The offset of the first line behind a key that is not indented deeper, or whose tabs hide how deep it is. */
function endOfRow(text: string, from: number): number {
  const column = from - (text.lastIndexOf("\n", from - 1) + 1);
  for (let newline = text.indexOf("\n", from); newline >= 0; newline = text.indexOf("\n", newline + 1)) {
    const [, indent = "", first = ""] = /^([ \t]*)(.?)/.exec(text.slice(newline + 1, newline + 1 + 256)) ?? [];
    const isBlank = first === "" || first === "\r" || first === "#";
    if (!isBlank && (indent.includes("\t") || indent.length <= column)) return newline + 1;
  }
  return text.length;
}

/** Rows in which the text itself is broken: what they seem to say is not judged, so that no error is a mere echo. */
export function brokenRows({ problems }: Parsed, { rowBefore }: RowExtents): ReadonlySet<string> {
  const breaks = problems.filter(({ hides }) => hides === "row" || hides === "rest");
  return new Set(breaks.map(({ at }) => rowBefore(at)).filter((user) => user !== undefined));
}

/** Rows whose own name was replaced before the text was parsed. */
export function unnamedRows({ corrected }: Parsed, { rowAround, rowBefore }: RowExtents): ReadonlySet<string> {
  const names = corrected.filter(({ at, hides }) => hides === "row" && rowAround(at) === undefined);
  return new Set(names.map(({ at }) => rowBefore(at)).filter((user) => user !== undefined));
}

/** Whether an offset lies behind something that hides the rest of its row, such as an open quote. */
export function consequences(problems: readonly TreeProblem[], { rowBefore }: RowExtents): (offset: number) => boolean {
  const hiddenFrom = new Map<string | undefined, number>();
  for (const { at, hides } of problems) {
    const row = rowBefore(at);
    if (hides === "rest") hiddenFrom.set(row, Math.min(at, hiddenFrom.get(row) ?? at));
  }
  return (offset) => hiddenFrom.size > 0 && offset > (hiddenFrom.get(rowBefore(offset)) ?? Number.POSITIVE_INFINITY);
}

/** On a line that is no YAML only the first problem is reported, and below a line that may go on none: the rest is guesswork. */
export function withoutEchoes(
  inText: readonly (Problem & Pick<TreeProblem, "hides">)[],
  inRows: readonly Problem[],
): Problem[] {
  const firstOfLine = new Map<number, Problem>();
  const continued = new Set(inText.filter(({ hides }) => hides === "lines").map(({ line }) => line + 1));
  for (const { hides, ...problem } of inText) {
    const earlier = firstOfLine.get(problem.line);
    if (hides !== "nothing" && (earlier === undefined || problem.column < earlier.column))
      firstOfLine.set(problem.line, problem);
  }
  const hidingNothing = inText.filter(({ hides }) => hides === "nothing").map(({ hides: _, ...problem }) => problem);
  const elsewhere = [...hidingNothing, ...inRows];
  return [...firstOfLine.values(), ...elsewhere.filter(({ line }) => !firstOfLine.has(line))].filter(
    ({ line }) => !continued.has(line),
  );
}
