/** Selects the rows that give access today: one expires with the last day that its `until` names. */

import { problemInRoster } from "../load.ts";
import type { Day, Email, Ledger, LedgerEntry, OsUser, Policy, Problem, Roster, Row, UserMap } from "../model.ts";
import { warningInRow } from "../rules/finding.ts";
import { emailOf } from "../user-map.ts";

/** A row whose optional values are settled as far as roster and user map can settle them. */
export interface CurrentRow extends Row {
  readonly host: NonNullable<Row["host"]>;
}

export interface RowsInput {
  readonly roster: Roster;
  /** `unread` where a preview goes on without Vault: then what the ledger knows stands in. */
  readonly userMap: UserMap | "unread" | undefined;
  readonly policy: Policy;
  readonly today: Day;
}

/** The rows of people who have access on this day; `past` is the ledger with renames done. */
export function currentRows(
  { roster, userMap, policy, today }: RowsInput,
  past: Ledger["people"],
): ReadonlyMap<OsUser, CurrentRow> {
  const current = new Map<OsUser, CurrentRow>();
  for (const [osUser, row] of roster.rows) {
    if (isOver(row, today)) continue;
    const [firstHost] = policy.hosts;
    const host = row.host ?? firstHost;
    if (host === undefined) throw new Error("a policy without hosts was not checked: checkPolicy");
    const entry = past.get(osUser);
    const email = userMap === "unread" ? (row.email ?? entry?.email) : emailOf(row, userMap);
    const known = userMap === "unread" ? undefined : userMap?.entries.get(row.k8sUser);
    const quota = { ...(userMap === "unread" ? entry?.quota : {}), ...known?.quota, ...row.quota };
    current.set(osUser, { ...withEmail(row, email), host, quota });
  }
  return current;
}

/** Whether the last day of access has passed (`until`). */
export const isOver = (row: Row, today: Day): boolean => row.until !== undefined && row.until < today;

/**
 * A warning for each row whose last day has passed: it looks like a person's and gives nothing.
 * @param people whom the ledger knows; undefined where there is none
 */
export function expiredRows(
  roster: Roster,
  today: Day,
  { addsOnly }: Pick<Policy, "addsOnly">,
  people?: ReadonlyMap<OsUser, Pick<LedgerEntry, "leftOn">>,
): readonly Problem[] {
  return [...roster.rows.values()]
    .filter((row) => isOver(row, today))
    .map(({ osUser, until }) => {
      const entry = people?.get(osUser);
      const remedy = "no other field of the row has any effect; remove the row, or write a later day";
      const message =
        people !== undefined && entry === undefined
          ? `${until} has passed and ${osUser} never had anything here, so nothing is made; remove the row`
          : addsOnly && entry?.leftOn === undefined
            ? `${until} has passed, but ${osUser} keeps what they have while addsOnly suspends removals, and ${remedy}`
            : `${until} has passed, so ${osUser} has no access and ${remedy}`;
      return problemInRoster(roster, warningInRow(osUser, ["until"], message));
    });
}

/** Puts the given e-mail, or none, in the place of the row's own. */
export const withEmail = (row: Row, email: Email | undefined): Row => {
  const { email: _ofTheRow, ...rest } = row;
  return email === undefined ? rest : { ...rest, email };
};
