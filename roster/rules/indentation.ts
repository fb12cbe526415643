/**
 * Finds the lines of a roster that stand in a wrong column, by the keys on them, and moves them to the right one: so one
 * wrong column is one problem, and everything else that the text says is judged as well.
 */

import type { Position } from "../model.ts";
import { type BlockLine, blockLines } from "../text/block-lines.ts";
import { quote } from "../text/quote.ts";
import { DEEPER, ITEM, noColon, uneven } from "../text/syntax-messages.ts";
import { TAB } from "../text/unclosed-quotes.ts";
import type { TreeProblem } from "../text/tree-problem.ts";
import { type Parsed, parseYaml, type Tree } from "../text/yaml-tree.ts";
import {
  belongsToSection,
  isField,
  looksLikePerson,
  misplacedAtTop,
  misplacedMessage,
  SECTIONS,
} from "./misplaced-fields.ts";
import { type Block, blocksBelow, type Columns, commonColumn, type Entry, fieldsOf, hasTab } from "./row-blocks.ts";

/** A text with more of them is no roster with a line in a wrong column. */
const MAX_PROBLEMS = 1000;

/** Parses a roster. Where the text cannot be read as it is, wrong columns are corrected first and reported once each. */
export function parseRoster(source: string): Parsed {
  const parsed = parseYaml(source);
  const unread = parsed.problems.length - parsed.corrected.length;
  if (parsed.tree === undefined || unread > MAX_PROBLEMS || (unread === 0 && !isOddlyIndented(parsed.tree)))
    return parsed;
  const { text, edits } = repaired(parsed.text);
  if (edits.size === 0) return parsed;
  const again = parseYaml(text);
  if (again.problems.length > 0 && again.problems.length >= unread) return parsed;
  const starts = lineStarts(text);
  const offsetOf = ({ line, column }: Position): number => {
    const edit = edits.get(line - 1);
    return (starts[line - 1] ?? 0) + Math.max(0, column - 1 + (edit === undefined ? 0 : edit.to - edit.from));
  };
  const positionOf = (offset: number): Position => {
    const { line, column } = again.positionOf(offset);
    const edit = edits.get(line - 1);
    return { line, column: edit === undefined ? column : Math.max(1, column - edit.to + edit.from) };
  };
  const problems: TreeProblem[] = parsed.corrected.map((problem) => ({
    position: parsed.positionOf(problem.at),
    ...problem,
    at: offsetOf(parsed.positionOf(problem.at)),
  }));
  const told = new Set(parsed.corrected.map(({ at }) => parsed.positionOf(at).line - 1));
  for (const [line, { column, message }] of edits) {
    // A character that was replaced by a space may be why the line stands where it does.
    if (message === undefined || told.has(line)) continue;
    const at = offsetOf({ line: line + 1, column: column + 1 });
    problems.push({ at, path: [], message, hides: "nothing", position: { line: line + 1, column: column + 1 } });
  }
  return { ...again, problems: [...problems, ...again.problems], corrected: problems, positionOf };
}

/** What YAML can read, and stands beside `users` or in a map that it does not belong to. */
function isOddlyIndented(tree: Tree): boolean {
  if (tree.kind !== "map") return false;
  const users = tree.entries.get("users")?.value;
  if (users?.kind !== "map") return false;
  if ([...tree.entries].some(([key, { value }]) => misplacedAtTop(key, value) !== undefined)) return true;
  return [...users.entries.values()].some(
    ({ value: row }) =>
      row.kind === "map" &&
      [...SECTIONS].some(([section, known]) => {
        const value = row.entries.get(section)?.value;
        return value?.kind === "map" && [...value.entries.keys()].some((key) => isField(key) && !known.includes(key));
      }),
  );
}

const lineStarts = (text: string): readonly number[] => [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)];

/** What changes on one line. */
interface Edit {
  /** The number of characters that indent it, before and after. */
  readonly from: number;
  readonly to: number;
  readonly line: BlockLine;
  /** Where the line is at fault. */
  readonly column: number;
  /** Absent where another line's fault moved this one as well. */
  readonly message?: string;
}

function repaired(text: string): { readonly text: string; readonly edits: ReadonlyMap<number, Edit> } {
  const edits = new Map<number, Edit>();
  for (const edit of editsOf(blockLines(text))) edits.set(edit.line.number, edit);
  const parts: string[] = [];
  let from = 0;
  for (const { line, to } of edits.values()) {
    const key = line.from + line.indent.length;
    const end = key + line.keyLength;
    const colon = line.key !== undefined && !line.hasColon ? ":" : "";
    parts.push(text.slice(from, line.from), " ".repeat(to), text.slice(key, end), colon);
    from = end;
  }
  return { text: parts.join("") + text.slice(from), edits };
}

function editsOf(lines: readonly BlockLine[]): readonly Edit[] {
  const top = lines.findIndex(({ key, hasValue }) => key === "users" && !hasValue);
  const users = lines[top];
  if (users === undefined || hasTab(users)) return [];
  const { blocks, columns } = blocksBelow(users, lines.slice(top + 1));
  const column = columns.outer;
  const named = users.hasColon ? [] : [{ from: column, to: column, line: users, column, message: noColon("users") }];
  return [...named, ...blocks.flatMap((block) => editsOfBlock(block, columns))];
}

function editsOfBlock(block: Block, { outer, ofPeople, ofFields }: Columns): readonly Edit[] {
  const { person, entries } = block;
  const edits = new Map<BlockLine, Edit>();
  const move = (line: BlockLine, to: number, message: string | undefined, owner?: BlockLine) => {
    const from = line.indent.length;
    const tab = line.indent.indexOf("\t");
    const isNamed = line.hasColon || line.isItem;
    if (tab < 0 && from === to && isNamed) return;
    const followsOwner =
      tab < 0 &&
      isNamed &&
      owner !== undefined &&
      edits.has(owner) &&
      from >= owner.indent.length + (line.isItem ? 0 : 1);
    const fault = tab >= 0 ? TAB : isNamed ? message : noColon(line.key ?? "");
    const said = followsOwner || fault === undefined ? {} : { message: fault };
    edits.set(line, { from, to, line, column: tab >= 0 ? tab : from, ...said });
  };
  move(person, ofPeople, personMessage(block, outer));
  const column = commonColumn(fieldsOf(block), ofPeople, ofFields) ?? ofFields;
  const runs = runsOf(block, ofPeople);
  const below = columnsBelow(entries);
  for (const [index, { line, owner }] of entries.entries()) {
    const above = entries[index - 1]?.line;
    if (owner === undefined) {
      const run = runs.get(line);
      const message = run === undefined ? columnMessage(line, column, above) : runMessage(line, run, { person, outer });
      move(line, column, message, person);
      continue;
    }
    const ownerColumn = edits.get(owner)?.to ?? owner.indent.length;
    const shift = hasTab(owner) ? 0 : ownerColumn - owner.indent.length;
    const usual = Math.max(ownerColumn + (line.isItem ? 0 : 1), (below.get(owner) ?? owner.indent.length + 2) + shift);
    const isFree = line.isItem ? !isField(owner.key ?? "") : !SECTIONS.has(owner.key ?? "");
    const kept = line.indent.length + shift;
    const to = isFree && !hasTab(line) ? (kept < ownerColumn ? ownerColumn + 2 : kept) : usual;
    const isInSection = line.indent.length >= owner.indent.length + (line.isItem ? 0 : 1);
    const elsewhere = line.isItem ? ITEM : belongsToSection(line.key ?? "", owner.key ?? "");
    const message = isInSection ? columnMessage(line, to, above) : elsewhere;
    move(line, to, message, owner);
  }
  return [...edits.values()];
}

/** The column in which most of the lines below each field stand. */
function columnsBelow(entries: readonly Entry[]): ReadonlyMap<BlockLine, number> {
  const below = new Map<BlockLine, BlockLine[]>();
  for (const { line, owner } of entries) {
    if (owner === undefined) continue;
    const lines = below.get(owner);
    if (lines === undefined) below.set(owner, [line]);
    else lines.push(line);
  }
  return new Map(
    [...below].flatMap(([owner, lines]) => {
      // An item may stand in the column of its key.
      const outer = owner.indent.length - (lines[0]?.isItem === true ? 1 : 0);
      const column = commonColumn(lines, outer, owner.indent.length + 2);
      return column === undefined ? [] : [[owner, column] as const];
    }),
  );
}

/** The fields that follow one another in the column of the people or before it, by each of their lines. */
function runsOf(block: Block, ofPeople: number): ReadonlyMap<BlockLine, readonly BlockLine[]> {
  const runs = new Map<BlockLine, BlockLine[]>();
  let run: BlockLine[] = [];
  for (const line of fieldsOf(block)) {
    const isMisplaced = !hasTab(line) && (line.indent.length === ofPeople || line.indent === "");
    if (!isMisplaced || run[0]?.indent !== line.indent) run = [];
    if (!isMisplaced) continue;
    run.push(line);
    runs.set(line, run);
  }
  return runs;
}

function personMessage({ person, isFirst, entries }: Block, outer: number): string {
  const name = person.key ?? "";
  if (person.indent.length <= outer) return looksLikePerson(name);
  return entries[0]?.line.indent === person.indent && !isFirst
    ? `${quote(name)} looks like a person and stands among the fields of another; indent it like the other names`
    : uneven(isFirst ? "below" : "above");
}

/** Only the first line of a run has a message, which names all of them. */
function runMessage(
  line: BlockLine,
  run: readonly BlockLine[],
  { person, outer }: { readonly person: BlockLine; readonly outer: number },
): string | undefined {
  if (run[0] !== line) return undefined;
  const fields = run.map(({ key }) => key ?? "");
  return misplacedMessage(person.key, fields, line.indent.length <= outer ? "beside users:" : "among the people");
}

function columnMessage(line: BlockLine, column: number, above: BlockLine | undefined): string {
  const continues = above !== undefined && (above.hasValue || above.isItem);
  if (continues && line.indent.length > column && line.indent.length > above.indent.length) return DEEPER;
  return uneven(above === undefined ? "below" : "above");
}
