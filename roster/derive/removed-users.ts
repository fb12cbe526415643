/** Finds the people who were removed for good, as the stack's configuration names them, and checks their names. */

import { problemInRoster } from "../load.ts";
import type { Ledger, OsUser, Policy, Problem, Roster } from "../model.ts";
import { listed } from "../text/quote.ts";
import { surfacesWithAccess, type Undelivered } from "../undelivered-changes.ts";

export interface Removed {
  /** Whom this run marks in the ledger: it forgets what was kept for them, and keeps uid and name reserved. */
  readonly now: ReadonlySet<OsUser>;
  readonly problems: readonly Problem[];
}

/**
 * `past` is the ledger with renames done, `rows` are the people who count today. Somebody whose leave has not reached a surface
 * stays offboarded until it has: their resources are what takes the access away.
 */
export function removedPeople(
  roster: Roster,
  { removed }: Policy,
  past: Ledger["people"],
  rows: ReadonlyMap<OsUser, unknown>,
  undelivered: Undelivered,
): Removed {
  const now = new Set<OsUser>();
  const problems: Problem[] = [];
  for (const name of new Set(removed)) {
    const osUser = name as OsUser;
    const entry = past.get(osUser);
    const problem = (path: readonly string[], message: string, severity: Problem["severity"] = "error") =>
      problems.push(problemInRoster(roster, { path: [...path], at: "key", message, severity }));
    if (roster.rows.has(osUser)) {
      problem(
        ["users", name],
        "is on the roster and among those who were removed for good; take the name out of workstation:removed, and they come as somebody new with their former uid",
      );
    } else if (entry === undefined) {
      problem(["users"], `workstation:removed names "${name}", who is not in the ledger`, "warning");
    } else if (entry.leftOn === undefined || rows.has(osUser)) {
      problem(
        ["users"],
        `workstation:removed names ${name}, who has not left yet; deploy without that, then \`./ws remove ${name}\``,
      );
    } else if (entry.removedOn === undefined) {
      const open = surfacesWithAccess(undelivered, osUser);
      if (open.length === 0) now.add(osUser);
      else
        problem(
          ["users"],
          `workstation:removed names ${name}, whose leave has not reached ${listed(open)}; they stay offboarded until a deployment completes there`,
          "warning",
        );
    }
  }
  return { now, problems };
}
