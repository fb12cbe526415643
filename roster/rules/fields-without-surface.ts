/** Finds fields of a row for which the stack has no surface: they change nothing there. */

import { problemInRoster } from "../load.ts";
import type { Problem, Roster, Row } from "../model.ts";
import type { Surface } from "../undelivered-changes.ts";
import { warningInRow } from "./finding.ts";

interface Field {
  readonly name: string;
  readonly isGiven: (row: Row) => boolean;
  readonly surface: Surface;
  /** The setting that would add the surface. */
  readonly setting: string;
}

const FIELDS: readonly Field[] = [
  { name: "forgejo", isGiven: ({ forgejo }) => forgejo !== undefined, surface: "forge", setting: "forgejo" },
  { name: "quota", isGiven: ({ quota }) => Object.keys(quota).length > 0, surface: "cluster", setting: "cluster" },
];

/** A warning for each, at its key. @param surfaces all of the stack's */
export function fieldsWithoutSurface(roster: Roster, surfaces: readonly Surface[]): readonly Problem[] {
  const idle = FIELDS.filter(({ surface }) => !surfaces.includes(surface));
  return [...roster.rows.values()].flatMap((row) =>
    idle
      .filter(({ isGiven }) => isGiven(row))
      .map(({ name, surface, setting }) => {
        const message = `has no effect, because this stack manages no ${surface} (workstation:${setting}); remove it, or set that`;
        return problemInRoster(roster, { ...warningInRow(row.osUser, [name], message), at: "key" });
      }),
  );
}
