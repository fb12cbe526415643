/** Lists what one person gains and loses by their tier, their push and their namespaces, and what stays all the same. */

import { entryPushes } from "../forge-access.ts";
import type { LedgerEntry } from "../model.ts";
import { listed } from "../text/quote.ts";
import { TIERS } from "../tiers.ts";
import { onceAdded, type StackSurfaces } from "../undelivered-changes.ts";
import type { Part } from "./compare-ledgers.ts";

/**
 * Tier, push and namespaces.
 * @param has the stack's surfaces: no right is lost on another, and one that is gained comes with it
 */
export function rightsChanges(past: LedgerEntry, after: LedgerEntry, has: StackSurfaces): Part {
  const part = { lost: [] as string[], gained: [] as string[], other: [] as string[] };
  if (past.tier !== after.tier) {
    const drops = TIERS[past.tier].rank > TIERS[after.tier].rank;
    (drops ? part.lost : part.gained).push(
      drops
        ? `the rights of tier ${past.tier} (now ${after.tier})`
        : `the rights of tier ${after.tier} (until now ${past.tier})`,
    );
  }
  // No other tier has them, an admin's included.
  if (has.Vault && TIERS[past.tier].ownsNamespaces && !TIERS[after.tier].ownsNamespaces)
    part.lost.push("access to their secrets in Vault", "the sign-in of their pipelines");
  const groups = TIERS[past.tier].groups.filter((group) => !TIERS[after.tier].groups.includes(group));
  if (groups.length > 0) {
    part.other.push(
      `is taken out of the groups ${listed(groups)} where this program gave them, and their sessions and processes that hold one are ended; ` +
        "groups that they had before or got by hand stay, and the deployment names them",
    );
  }
  part.other.push(...staysOfTier(past, after));
  if (has.forge) {
    part.other.push(...staysOnForge(past, after));
    if (entryPushes(past) && !entryPushes(after)) part.lost.push("direct push to the protected branch");
  }
  if (!entryPushes(past) && entryPushes(after))
    part.gained.push(`direct push to the protected branch${onceAdded("forge", has)}: what they push deploys`);
  const isDelivered = has.cluster || has.Vault;
  const lost = past.namespaces.filter((name) => isDelivered && !after.namespaces.includes(name));
  const gained = after.namespaces.filter((name) => !past.namespaces.includes(name));
  if (lost.length > 0) {
    // A removal for good deletes those alone that its command names.
    const state =
      past.removedOn === undefined
        ? "kept with everything in it"
        : "as the removal left it: kept, or deleted and made again empty";
    const rooms = `${lost.length === 1 ? "namespace" : "namespaces"} ${listed(lost)} (${state})`;
    // Whoever becomes an admin loses no right in them.
    if (TIERS[after.tier].administers) part.other.push(`no longer owns the ${rooms}`);
    else part.lost.push(rooms);
  }
  if (gained.length > 0) {
    const later = has.Vault ? "" : onceAdded("cluster", has);
    part.gained.push(`${gained.length === 1 ? "namespace" : "namespaces"} ${listed(gained)}${later}`);
  }
  return part;
}

/** What stays although the new tier, or the new row, gives it no longer. */
function staysOfTier(past: LedgerEntry, after: LedgerEntry): readonly string[] {
  const [from, to] = [TIERS[past.tier], TIERS[after.tier]];
  return [
    ...(from.clone === "locked" && to.clone === "untouched"
      ? ["keeps the clones as they are, locked: an admin's tree is never touched"]
      : []),
    ...(from.clone === "untouched" && to.clone === "locked"
      ? ["keeps the clones that are there as they are, unlocked ones included"]
      : []),
  ];
}

function staysOnForge(past: LedgerEntry, after: LedgerEntry): readonly string[] {
  const account = past.forgejoLogin;
  return [
    ...(entryPushes(past) && !entryPushes(after) && account === after.forgejoLogin
      ? ["keeps write access to the other branches of infra"]
      : []),
    ...(account !== undefined && after.forgejoLogin === undefined
      ? [`keeps the forge account ${account} with its own tokens, keys and repositories`]
      : []),
  ];
}
