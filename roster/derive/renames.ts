/** Moves the ledger's entry of a renamed account to its new name, before any other step reads the ledger. */

import type { Ledger, LedgerEntry, OsUser, Problem, Roster, Row } from "../model.ts";
import { problemInRoster } from "../load.ts";
import { type Finding, inRow, warningInRow } from "../rules/finding.ts";
import { quote } from "../text/quote.ts";
import { didYouMean } from "../text/suggest.ts";

export interface RenamedLedger {
  /** The ledger's people under the names that they have in this roster. */
  readonly people: Ledger["people"];
  /** New name to the former one, for those whom this very run renames. */
  readonly renamed: ReadonlyMap<OsUser, OsUser>;
  readonly problems: readonly Problem[];
}

/**
 * Follows `previously.os_user`. A line that stays after the rename was done changes nothing; one that names nobody
 * would let a misspelt rename become a leave and a join, so it is a warning.
 */
export function followRenames(roster: Roster, ledger: Ledger): RenamedLedger {
  const people = new Map<OsUser, LedgerEntry>(ledger.people);
  const renamed = new Map<OsUser, OsUser>();
  const problems: Problem[] = [];
  const formerNames = new Map(
    [...ledger.people].flatMap(([user, entry]) => entry.formerNames.map((name) => [name, user] as const)),
  );
  for (const row of roster.rows.values()) {
    const former = row.previously.osUser;
    const entry = former === undefined ? undefined : ledger.people.get(former);
    const complain = (path: string[], message: string) =>
      problems.push(problemInRoster(roster, inRow(row.osUser, path, message)));
    const owner = formerNames.get(row.osUser);
    if (owner !== undefined && owner !== row.osUser && !ledger.people.has(row.osUser) && former !== owner) {
      const way = roster.rows.has(owner) ? "" : `, or write previously: {os_user: ${owner}} if the two are one person`;
      complain(
        [],
        `"${row.osUser}" was ${owner}'s name before a rename, and what it left on the host is theirs; choose another name${way}`,
      );
    }
    if (former === undefined) continue;
    if (entry === undefined) {
      const isDone = ledger.people.get(row.osUser)?.formerNames.includes(former) === true;
      if (!isDone && ledger.people.size > 0)
        problems.push(problemInRoster(roster, unknownFormer(row, formerNames.get(former), ledger, roster)));
      continue;
    }
    if (ledger.people.has(row.osUser)) {
      complain(
        ["previously", "os_user"],
        `both "${former}" and "${row.osUser}" have an account already, so neither can become the other; remove this line`,
      );
    } else {
      people.delete(former);
      people.set(row.osUser, {
        ...entry,
        formerNames: [former, ...entry.formerNames.filter((name) => name !== row.osUser)],
      });
      renamed.set(row.osUser, former);
    }
  }
  return { people, renamed, problems };
}

/** A former name that the ledger knows nobody by; an empty ledger knows nobody at all and says nothing. */
function unknownFormer(
  { osUser, previously: { osUser: former } }: Row,
  owner: OsUser | undefined,
  { people }: Ledger,
  { rows }: Roster,
): Finding {
  const follows = people.has(osUser) ? `${osUser} keeps their account` : `${osUser} gets a new account`;
  const withoutRow = [...people.keys()].filter((user) => !rows.has(user));
  const found = owner === undefined ? "nobody of that name is in the ledger" : `that is a former name of ${owner}`;
  const remedy =
    owner === undefined || rows.has(owner)
      ? `correct ${quote(former ?? "")} or remove this line${didYouMean(former, withoutRow)}`
      : `write ${quote(owner)} if the two are one person, or remove this line`;
  return warningInRow(osUser, ["previously", "os_user"], `${found}, so ${follows} and nobody is renamed; ${remedy}`);
}
