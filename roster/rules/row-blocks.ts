/** Splits the lines of a roster into people and their fields by the keys on them, whatever their indentation says. */

import type { BlockLine } from "../text/block-lines.ts";
import { nearest } from "../text/suggest.ts";
import { isField as isFieldName, SECTIONS } from "./misplaced-fields.ts";

export interface Entry {
  readonly line: BlockLine;
  /** The field below whose key the line stands; absent for a field of the row itself. */
  readonly owner?: BlockLine;
}

/** A person's line and everything up to the next person. */
export interface Block {
  readonly person: BlockLine;
  readonly isFirst: boolean;
  readonly entries: Entry[];
}

/** The columns of the key `users`, of the people, and of their fields. */
export interface Columns {
  readonly outer: number;
  readonly ofPeople: number;
  readonly ofFields: number;
}

export const hasTab = ({ indent }: BlockLine): boolean => indent.includes("\t");
const isField = ({ key }: BlockLine): boolean => key !== undefined && isFieldName(key);

/** The people below `users`, and the columns in which most of them and of their fields stand. */
export function blocksBelow(
  users: BlockLine,
  lines: readonly BlockLine[],
): { readonly blocks: readonly Block[]; readonly columns: Columns } {
  const outer = users.indent.length;
  const begins = lines.filter((line, index) => isBeforeField(line, lines[index + 1]));
  const ofPeople = commonColumn(begins, outer, outer + 2) ?? outer + 2;
  const ofFields = commonColumn(lines.filter(isField), ofPeople, ofPeople + 2) ?? ofPeople + 2;
  const columns = { outer, ofPeople, ofFields };
  return { blocks: blocksOf(lines, columns), columns };
}

/** The lines of the row's own fields. */
export const fieldsOf = ({ entries }: Block): readonly BlockLine[] =>
  entries.filter(({ owner }) => owner === undefined).map(({ line }) => line);

/** A key that no field has and that a field follows, as a person's name is followed by the first of theirs. */
const isBeforeField = (line: BlockLine, next: BlockLine | undefined): boolean =>
  line.key !== undefined && !line.hasValue && !isField(line) && next?.hasColon === true && isField(next);

/** The column behind `outer` in which most of the lines stand: of several the preferred one, or else the first. */
export function commonColumn(lines: readonly BlockLine[], outer: number, preferred?: number): number | undefined {
  const counts = new Map<number, number>();
  for (const line of lines) {
    const column = line.indent.length;
    if (column > outer && !hasTab(line)) counts.set(column, (counts.get(column) ?? 0) + 1);
  }
  const most = Math.max(...counts.values());
  if (preferred !== undefined && counts.get(preferred) === most) return preferred;
  return [...counts].find(([, count]) => count === most)?.[0];
}

function blocksOf(lines: readonly BlockLine[], columns: Columns): readonly Block[] {
  const blocks: Block[] = [];
  let block: Block | undefined;
  let section: BlockLine | undefined;
  let seen = new Set<string>();
  const repeated = repeatedLines(lines, columns);
  for (const [index, line] of lines.entries()) {
    const next = lines[index + 1];
    const isInSection = section !== undefined && isBelow(line, section, { columns, seen, repeated });
    const begins = (!isInSection || !line.hasValue) && isPerson(line, { next, columns, seen: block && seen });
    if (begins) {
      block = { person: line, isFirst: block === undefined, entries: [] };
      blocks.push(block);
      section = undefined;
      seen = new Set();
    } else if (block === undefined) continue;
    else if (isInSection && section !== undefined) block.entries.push({ line, owner: section });
    else if (isFieldLine(line, next, { columns, seen, repeated })) {
      block.entries.push({ line });
      seen.add(line.key ?? "");
      section = line.hasValue ? undefined : line;
    }
  }
  return blocks;
}

/** The lines whose key stands again further down among the fields of the same person. */
function repeatedLines(lines: readonly BlockLine[], { ofPeople, ofFields }: Columns): ReadonlySet<BlockLine> {
  const repeated = new Set<BlockLine>();
  const below = new Set<string>();
  for (const line of [...lines].reverse()) {
    const column = line.indent.length;
    if (line.key !== undefined && below.has(line.key)) repeated.add(line);
    if (column <= ofPeople && !isField(line)) below.clear();
    else if (column === ofFields && line.key !== undefined) below.add(line.key);
  }
  return repeated;
}

interface Around {
  readonly columns: Columns;
  readonly next: BlockLine | undefined;
  /** The fields that the person above has already; absent where there is no person above. */
  readonly seen: ReadonlySet<string> | undefined;
}

function isPerson(line: BlockLine, { next, columns: { ofPeople }, seen }: Around): boolean {
  const column = line.indent.length;
  const isInColumn = column === ofPeople && !hasTab(line);
  if (isInColumn && line.hasColon && (!isField(line) || isNamedAsField(line, next))) return true;
  if (!isBeforeField(line, next)) return false;
  if (seen === undefined) return true;
  // Deeper, it may also be a field that does not exist. A name is followed by a field that the person above has already.
  const isMisspelt = nearest(line.key ?? "", [...SECTIONS.keys()]) !== undefined;
  return column <= ofPeople || hasTab(line) || (seen.has(next?.key ?? "") && !isMisspelt);
}

/** A person may have the name of a field; then fields of a row stand below it. */
const isNamedAsField = (line: BlockLine, next: BlockLine | undefined): boolean =>
  !line.hasValue &&
  line.key !== "previously" &&
  next !== undefined &&
  isField(next) &&
  next.indent.length > line.indent.length;

/** A field with a colon, or with something below it. A key beside `users` that is no field is not of a row. */
function isFieldLine(line: BlockLine, next: BlockLine | undefined, seen: Seen): boolean {
  if (line.key === undefined || (!isField(line) && line.indent.length <= seen.columns.outer)) return false;
  return line.hasColon || (isField(line) && next !== undefined && isBelow(next, line, seen));
}

interface Seen {
  readonly columns: Columns;
  readonly seen: ReadonlySet<string>;
  readonly repeated: ReadonlySet<BlockLine>;
}

function isBelow(line: BlockLine, section: BlockLine, { columns, seen, repeated }: Seen): boolean {
  const { key, indent, isItem, hasColon } = line;
  if (isItem) return true;
  if (key === undefined || !hasColon) return false;
  const isKnown = SECTIONS.get(section.key ?? "")?.includes(key) === true;
  if (isKnown && (!isField(line) || seen.has(key) || repeated.has(line))) return true;
  const isDeeper = indent.length > section.indent.length;
  if (hasTab(line)) return isKnown && isDeeper;
  const isInColumn = isField(line) && indent.length === columns.ofFields;
  return isDeeper && !isInColumn && (isKnown || !isField(line) || !isField(section));
}
