/** Finds lines of `previously` that name a value which the person did not have: what looks like a rename is none. */

import {
  holdersOf,
  type Identities,
  IDENTITY_KINDS,
  IDENTITY_NAMES,
  type IdentityKind,
  isSame,
  otherHolder,
} from "../changes/identity-holders.ts";
import { problemInRoster } from "../load.ts";
import type { LedgerEntry, OsUser, Problem, Roster } from "../model.ts";
import { warningInRow } from "../rules/finding.ts";
import { quote } from "../text/quote.ts";
import type { CurrentRow } from "./expire-rows.ts";
import type { RenamedLedger } from "./renames.ts";

/** The fields of `previously`. */
const FIELDS = {
  authentikUser: "authentik_user",
  k8sUser: "k8s_user",
  email: "email",
  forgejoLogin: "forgejo_login",
} as const;

/**
 * A warning for each identity that changes in this run while `previously` names another value than the ledger's. Where
 * nothing changes the line is one of an earlier rename, which may stay for good.
 */
export function claimedRenames(
  roster: Roster,
  { people }: RenamedLedger,
  rows: ReadonlyMap<OsUser, CurrentRow>,
): readonly Problem[] {
  // A ledger that knows nobody is that of a new stack, whose roster may come from an older one.
  if (people.size === 0) return [];
  const holders = holdersOf(people);
  return [...rows.values()].flatMap((row) => {
    const entry = people.get(row.osUser);
    return IDENTITY_KINDS.flatMap((kind) => {
      const identities: Identities | undefined = entry;
      const [was, is, former] = [identities?.[kind], presentValue(row, kind), row.previously[kind]];
      if (former === undefined || is === undefined) return [];
      if (was !== undefined && (isSame(kind, was, is) || isSame(kind, was, former))) return [];
      const wasTheirs = formerValues(entry, kind).some((value) => isSame(kind, value, former));
      // Who had none since gets one: nothing is renamed, and the line is one of an earlier rename.
      if (was === undefined && wasTheirs) return [];
      const what = IDENTITY_NAMES[kind];
      const holder = otherHolder(holders, kind, former, row.osUser);
      // The k8s_user of somebody else is an error already.
      if (kind === "k8sUser" && holder !== undefined) return [];
      const found = wasTheirs
        ? `${quote(former)} is an earlier ${what} of ${row.osUser}`
        : holder === undefined
          ? `nobody has the ${what} ${quote(former)}`
          : `${quote(former)} is ${holder}'s ${what}`;
      const remedy =
        was === undefined
          ? `${row.osUser} had none; remove this line`
          : `${row.osUser} had ${quote(was)}; write that if the two are one account, or remove this line`;
      const message = `${found} by the ledger, so this is no rename: ${remedy}`;
      return [problemInRoster(roster, warningInRow(row.osUser, ["previously", FIELDS[kind]], message))];
    });
  });
}

/** Of the login the ledger keeps the last alone. */
function formerValues(entry: LedgerEntry | undefined, kind: IdentityKind): readonly string[] {
  if (kind === "forgejoLogin") return entry?.formerForgejoLogins ?? [];
  if (kind === "email") return entry?.formerEmails ?? [];
  return kind === "k8sUser" ? (entry?.formerK8sUsers ?? []) : [];
}

function presentValue(row: CurrentRow, kind: keyof typeof FIELDS): string | undefined {
  return kind === "forgejoLogin" ? row.forgejo?.login : row[kind];
}
