/** Compares the stack's ledger with the committed rosters that were deployed, and reports what no commit accounts for. */

import { changeOf } from "../../roster/changes/compare-ledgers.ts";
import { NO_HOLDERS } from "../../roster/changes/identity-holders.ts";
import type { Ledger, LedgerEntry, OsUser } from "../../roster/model.ts";
import { listed } from "../../roster/text/quote.ts";

/**
 * @param names every name of the person
 * @param committed what the deployed commits come to
 * @param deployed the stack's ledger
 * @returns half sentences after the name; empty where the deployed commits account for everything
 */
export function uncommitted(names: readonly string[], committed: Ledger, deployed: Ledger): readonly string[] {
  const [who, now] = entryOf(names, deployed) ?? [];
  const [formerly, was] = entryOf(names, committed) ?? [];
  if (who === undefined || now === undefined)
    return was === undefined ? [] : ["is in the deployed commits and not in the stack's ledger"];
  if (was !== undefined && was.leftOn === undefined && now.leftOn !== undefined) return [leave(now.leftOn, was)];
  const change = changeOf(
    {
      ...{ who, past: was, after: comparable(now, was), previously: {} },
      formerName: formerly === who ? undefined : formerly,
    },
    NO_HOLDERS,
  );
  if (change === undefined) return [];
  if (change.kind !== "changes") return [`${change.kind} as ${now.tier} on ${now.hosts[0] ?? "no host"}`];
  return [
    ...(change.lost.length > 0 ? [`loses ${listed(change.lost)}`] : []),
    ...(change.gained.length > 0 ? [`gets ${listed(change.gained)}`] : []),
    ...change.other,
  ];
}

const leave = (leftOn: string, { until }: LedgerEntry): string =>
  until !== undefined && until < leftOn
    ? `was offboarded on ${leftOn}, since the last day of the committed row, ${until}, was over`
    : `was offboarded on ${leftOn}`;

/** Without what a roster does not decide alone: the user map and the settings have a part in these. */
const comparable = (now: LedgerEntry, was: LedgerEntry | undefined): LedgerEntry => {
  if (was === undefined) return now;
  const { email: _, ...rest } = now;
  return { ...rest, ...(was.email === undefined ? {} : { email: was.email }), quota: was.quota, limits: was.limits };
};

const entryOf = (names: readonly string[], { people }: Ledger): readonly [OsUser, LedgerEntry] | undefined =>
  [...people].find(
    ([name, { formerNames }]) => names.includes(name) || formerNames.some((former) => names.includes(former)),
  );
