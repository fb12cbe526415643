/** Lists the changed settings of one person: layout, repositories, limits, quota and the sync of credentials. */

import type { LedgerEntry } from "../model.ts";
import { listed } from "../text/quote.ts";
import { TIERS } from "../tiers.ts";
import { onceAdded, type StackSurfaces } from "../undelivered-changes.ts";
import { isLarger } from "./compare-sizes.ts";

/** What is neither a right nor a place: a smaller figure ends nothing, and no clone is deleted. */
export function settingChanges(past: LedgerEntry, after: LedgerEntry, has: StackSurfaces): readonly string[] {
  // An admin's tree is never touched, whatever the row says of it.
  const isTouched = TIERS[after.tier].clone !== "untouched";
  const newRepos = after.repos.filter((repo) => isTouched && !past.repos.includes(repo));
  const oldRepos = past.repos.filter((repo) => isTouched && !after.repos.includes(repo));
  const stays = after.layout === "single" ? "; the clones of the former layout stay where they are" : "";
  return [
    ...(past.claudeAuth !== after.claudeAuth && past.parked === after.parked
      ? [
          `has the sync of the assistant's credentials switched ${after.claudeAuth ? "on" : "off; what was synced stays"}`,
        ]
      : []),
    ...(past.layout === after.layout || !isTouched
      ? []
      : [`has the layout ${after.layout} instead of ${past.layout}${stays}`]),
    ...(newRepos.length > 0 ? [`has ${listed(newRepos)} cloned`] : []),
    ...(oldRepos.length > 0 ? [`keeps the clone of ${listed(oldRepos)}, which is no longer looked after`] : []),
    ...figures("limit", past.limits, after.limits),
    ...figures("quota", past.quota, after.quota, "; what runs above it stays", onceAdded("cluster", has)),
  ];
}

/**
 * @param stays what a smaller figure does not end
 * @param later when a larger one takes effect, where that is not now; a smaller one then takes nothing away
 */
function figures<Figures extends object>(
  what: string,
  past: Figures,
  after: Figures,
  stays = "",
  later = "",
): readonly string[] {
  return (Object.keys(after) as (keyof Figures & string)[])
    .filter((name) => past[name] !== after[name])
    .flatMap((name) => {
      const [was, is] = [String(past[name]), String(after[name])];
      const grows = isLarger(name, is, was);
      if (later !== "" && !grows) return [];
      return [`has the ${what} ${name} changed from ${was} to ${is}${grows ? later : stays}`];
    });
}
