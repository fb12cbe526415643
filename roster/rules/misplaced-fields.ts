/** Finds fields and people at the wrong level of a roster, which a wrong indentation or a missing one puts there. */

import { row } from "../schema/row.ts";
import { describeKey, listed, quote } from "../text/quote.ts";
import type { Tree, TreeMap } from "../text/yaml-tree.ts";
import type { Finding } from "./finding.ts";

/** The fields of a row that are maps themselves. */
export const SECTIONS: ReadonlyMap<string, readonly string[]> = new Map([
  ["forgejo", Object.keys(row.shape.forgejo.unwrap().shape)],
  ["limits", Object.keys(row.shape.limits.unwrap().shape)],
  ["quota", Object.keys(row.shape.quota.unwrap().shape)],
  ["previously", Object.keys(row.shape.previously.unwrap().shape)],
]);

/** Whether a row has a field of this name. */
export const isField = (name: string): boolean => FIELDS.has(name);

const FIELDS: ReadonlySet<string> = new Set(Object.keys(row.shape));

/** A field may also be the name of a person; what stands below it tells the two apart. */
function isFieldWithItsValue(name: string, value: Tree): boolean {
  if (!isField(name)) return false;
  if (value.kind !== "map") return true;
  const known = SECTIONS.get(name) ?? [];
  const keys = [...value.entries.keys()];
  // Fields of the row may follow those of the section, in the column in which both belong to the row.
  return (
    keys.some((key) => known.includes(key) && !isField(key)) ||
    (keys.length > 0 && keys.every((key) => known.includes(key)))
  );
}

export interface Misplaced {
  /** Keys among the people that are fields of a row. */
  readonly fields: ReadonlySet<string>;
  /** What each person lacks because it stands among the people. */
  readonly lackedBy: ReadonlyMap<string, readonly string[]>;
  readonly findings: readonly Finding[];
}

/** The fields of a row that stand among the people: one finding for those that follow one another. */
export function misplacedAmongPeople(users: TreeMap): Misplaced {
  const runs: { readonly person: string | undefined; readonly fields: string[] }[] = [];
  let person: string | undefined;
  let run: string[] | undefined;
  for (const [name, { value }] of users.entries) {
    if (!isFieldWithItsValue(name, value)) {
      person = name;
      run = undefined;
    } else if (run === undefined) {
      run = [name];
      runs.push({ person, fields: run });
    } else run.push(name);
  }
  return {
    fields: new Set(runs.flatMap(({ fields }) => fields)),
    lackedBy: new Map(runs.flatMap(({ person, fields }) => (person === undefined ? [] : [[person, fields] as const]))),
    findings: runs.map(({ person, fields }) => amongPeople(person, fields)),
  };
}

const amongPeople = (person: string | undefined, fields: readonly string[]): Finding => ({
  path: ["users", fields[0] ?? ""],
  at: "key",
  user: person ?? null,
  message: misplacedMessage(person, fields, "among the people"),
  severity: "error",
});

/** Where fields of one person stand, and where they belong. */
export function misplacedMessage(person: string | undefined, fields: readonly string[], place: string): string {
  const below = person === undefined ? "the person's name" : describeKey(person);
  return fields.length === 1
    ? `${listed(fields.map(quote))} is a field of a person and stands ${place}; indent it below ${below}`
    : `${listed(fields.map(quote))} are fields of a person and stand ${place}; indent them below ${below}`;
}

/** A name that stands beside `users`. */
export const looksLikePerson = (name: string): string =>
  `${quote(name)} looks like a person; indent the name and its fields below users:`;

/** A field of a section that stands in the row itself. */
export const belongsToSection = (key: string, section: string): string =>
  `${quote(key)} is a field of ${section} and not of the row itself; write it below ${section}:, indented`;

/** Numbers that each person is given, and their ranges. */
const NUMBERS = /^(?:ports?|t3|browser|uids?)(?:\.(?:t3|browser))?(?:\.(?:first|last))?$/;

/** What is told of a number that a row or a roster cannot set; nothing for any other key. */
export const numberGiven = (key: string): string | undefined =>
  NUMBERS.test(key)
    ? `${quote(key)} is not set in a roster: the program gives each person their ports and uid and keeps them; delete this, and set the ranges by the stack's settings ports and uids`
    : undefined;

/** What a key beside `users` is by its look, with the remedy; nothing where it looks like neither. */
export function misplacedAtTop(name: string, value: Tree): string | undefined {
  if (isFieldWithItsValue(name, value))
    return `${quote(name)} is a field of a person; indent it below the person's name`;
  if (value.kind === "map" && [...value.entries.keys()].some(isField)) return looksLikePerson(name);
  return numberGiven(name);
}

/** The section that a key of a row belongs to, unless it is one of `previously`, whose fields resemble a row's own. */
export const sectionOf = (key: string): string | undefined =>
  [...SECTIONS].find(([section, known]) => section !== "previously" && known.includes(key))?.[0];
