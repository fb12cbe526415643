/** Reads the cluster's user map (`k8s_users` in Vault), whole or not at all, and compares it with the roster. */

import { z } from "zod";
import type { Email, Problem, Roster, Row, UserMap, UserMapEntry } from "./model.ts";
import { problemInRoster } from "./load.ts";
import { inRow, warningInRow } from "./rules/finding.ts";
import * as names from "./schema/patterns.ts";
import { quotaOfUserMap } from "./schema/row.ts";
import { readJsonFile } from "./text/json-file.ts";
import { folded } from "./text/code-unit-order.ts";
import { quote, describeValue } from "./text/quote.ts";
import { plainValue } from "./text/tree-values.ts";
import { TIERS } from "./tiers.ts";

export type LoadedUserMap =
  | { readonly ok: true; readonly userMap: UserMap }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Others write this map too, so keys we do not know are theirs; those we know must be right. */
const entry = z.looseObject({
  role: z.string({
    error: (issue) => `${describeValue(issue.input)} is not a role; it must be one of the roster's tiers`,
  }),
  email: z
    .string({ error: (issue) => `${describeValue(issue.input)} is not an e-mail address; ${names.EMAIL.right}` })
    .regex(names.EMAIL.pattern, {
      error: (issue) => `${describeValue(issue.input)} is not an e-mail address; ${names.EMAIL.right}`,
    })
    .optional(),
  quota: quotaOfUserMap.optional(),
});

/**
 * Reads the map's JSON text. An entry that is broken is an error even for somebody who is not on the roster: a map that
 * was cut short or written badly is not to be trusted for the others either.
 */
export function loadUserMap(source: Uint8Array | string, file: string): LoadedUserMap {
  const read = readJsonFile(source, file, "the user map", 4);
  if (!read.ok) return read;
  const entries = new Map<string, UserMapEntry>();
  const problems: Problem[] = [];
  for (const [k8sUser, { value }] of read.top.entries) {
    const checked = entry.safeParse(plainValue(value));
    if (checked.success) {
      const { role, email, quota: own } = checked.data;
      const known = Object.entries(own ?? {}).filter(
        ([key, figure]) => Object.hasOwn(quotaOfUserMap.shape, key) && figure !== undefined,
      );
      entries.set(k8sUser, {
        role,
        ...(email === undefined ? {} : { email: email as Email }),
        quota: Object.fromEntries(known),
      });
    } else {
      for (const issue of checked.error.issues) {
        const path = issue.path.filter((step) => typeof step !== "symbol");
        const field = path.length === 0 ? "" : `${path.join(".")}: `;
        problems.push(read.problem([k8sUser, ...path], `${quote(k8sUser)}: ${field}${issue.message}`));
      }
    }
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, userMap: { file, entries } };
}

/**
 * Compares the two: a different tier is an error, an absent non-admin a warning, admins are exempt; an
 * e-mail that the map supplies obeys the same rule of being one person's only.
 */
export function checkAgainstUserMap(roster: Roster, userMap: UserMap): readonly Problem[] {
  const problems: Problem[] = [];
  for (const row of roster.rows.values()) {
    const entry = userMap.entries.get(row.k8sUser);
    if (!TIERS[row.tier].checkedAgainstUserMap) continue;
    if (entry === undefined) {
      const message = `"${row.k8sUser}" is not in the user map (${userMap.file}) yet; the grant is pending until it is added there`;
      problems.push(problemInRoster(roster, warningInRow(row.osUser, ["k8s_user"], message)));
    } else if (entry.role !== row.tier) {
      const message = `the roster says "${row.tier}" and the user map (${userMap.file}) says ${quote(entry.role)} for "${row.k8sUser}"; make the two agree`;
      problems.push(problemInRoster(roster, inRow(row.osUser, ["tier"], message)));
    }
  }
  return [...problems, ...sharedEmails(roster, userMap)];
}

/** The roster's own address first; where it has none, the map's. */
export const emailOf = (row: Row, userMap: UserMap | undefined): Email | undefined =>
  row.email ?? userMap?.entries.get(row.k8sUser)?.email;

function sharedEmails(roster: Roster, userMap: UserMap): Problem[] {
  const first = new Map<string, Row>();
  const problems: Problem[] = [];
  for (const row of roster.rows.values()) {
    const email = emailOf(row, userMap);
    if (email === undefined) continue;
    const earlier = first.get(folded(email));
    // Two addresses of the roster itself were compared when it was read.
    if (earlier !== undefined && (row.email === undefined || earlier.email === undefined)) {
      const path = row.email === undefined ? ["k8s_user"] : ["email"];
      const message = `${quote(email)} is already ${earlier.osUser}'s, counting what the user map (${userMap.file}) supplies; the cluster would take the two for one person`;
      problems.push(problemInRoster(roster, inRow(row.osUser, path, message)));
    } else first.set(folded(email), row);
  }
  return problems;
}
