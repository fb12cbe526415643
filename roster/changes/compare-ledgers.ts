/**
 * Compares the ledger before and after one run and lists what changes for whom. The plan and the safety limits both
 * start from this list.
 */

import type { Desired, Ledger, LedgerEntry, OsUser, Previously } from "../model.ts";
import { entryPushes } from "../forge-access.ts";
import { byCodeUnit, folded } from "../text/code-unit-order.ts";
import { listed } from "../text/quote.ts";
import { TIERS } from "../tiers.ts";
import { isLarger } from "./compare-sizes.ts";

export interface Before {
  readonly people: Ledger["people"];
  /** New name to former one. */
  readonly renamed: ReadonlyMap<OsUser, OsUser>;
}

export interface PersonChange {
  readonly who: OsUser;
  readonly kind: "leaves" | "returns" | "joins" | "changes";
  /** Rights that are taken away, each a half sentence after "loses". What the brakes count. */
  readonly lost: readonly string[];
  /** Rights that are given, each a half sentence after "gets". What a non-admin's push must not bring about alone. */
  readonly gained: readonly string[];
  /** Everything else, each a half sentence after the name. */
  readonly other: readonly string[];
}

/** Everybody for whom something changes, by name. */
export function changesBetween(before: Before, desired: Desired): readonly PersonChange[] {
  const changes: PersonChange[] = [];
  for (const [who, after] of [...desired.ledger.people].sort(([a], [b]) => byCodeUnit(a, b))) {
    const past = before.people.get(before.renamed.get(who) ?? who);
    const change = changeOf(who, past, after, desired.people.get(who)?.previously ?? {}, before.renamed.get(who));
    if (change !== undefined) changes.push(change);
  }
  return changes;
}

type OfPerson = Omit<PersonChange, "who">;

/** What changes for one person from one entry of the ledger to another; undefined when nothing. */
export function changeOf(
  osUser: OsUser,
  past: LedgerEntry | undefined,
  after: LedgerEntry,
  previously: Previously,
  formerName: OsUser | undefined,
): PersonChange | undefined {
  const isIn = after.leftOn === undefined;
  if (past === undefined)
    return isIn ? { who: osUser, kind: "joins", lost: [], gained: ["a place"], other: [] } : undefined;
  if (past.leftOn !== undefined)
    return isIn ? { who: osUser, kind: "returns", lost: [], gained: ["a place again"], other: [] } : undefined;
  if (!isIn) return { who: osUser, kind: "leaves", lost: ["every access"], gained: [], other: [] };
  const parts = [identityChanges(past, after, previously), rightsChanges(past, after), placeChanges(past, after)];
  const takes = parts.some(({ lost }) => lost.length > 0) || (!past.parked && after.parked);
  const renamed =
    formerName === undefined
      ? []
      : [
          `is the new name of ${formerName}: the same account, uid ${after.uid}, ports and namespaces`,
          `/home/${formerName} becomes /home/${osUser}, with a link at the former path, and their services start anew; it waits while ${formerName} is at work there${takes ? ", but what this change takes from them does not wait" : ""}`,
        ];
  const change: OfPerson = {
    kind: "changes",
    lost: parts.flatMap((part) => part.lost),
    gained: parts.flatMap((part) => part.gained),
    other: [...renamed, ...parts.flatMap((part) => part.other)],
  };
  return change.lost.length + change.gained.length + change.other.length > 0 ? { who: osUser, ...change } : undefined;
}

type Part = Pick<PersonChange, "lost" | "gained" | "other">;

function identityChanges(past: LedgerEntry, after: LedgerEntry, previously: Previously): Part {
  const part = { lost: [] as string[], gained: [] as string[], other: [] as string[] };
  const identities = [
    ["login", past.authentikUser, after.authentikUser, previously.authentikUser],
    ["k8s_user", past.k8sUser, after.k8sUser, previously.k8sUser],
    ["e-mail", past.email, after.email, previously.email],
    ["Forgejo login", past.forgejoLogin, after.forgejoLogin, previously.forgejoLogin],
  ] as const;
  for (const [what, was, is, former] of identities) {
    if (was === is) continue;
    if (
      was !== undefined &&
      is !== undefined &&
      (former === was || (what !== "k8s_user" && folded(was) === folded(is)))
    ) {
      const lost =
        what === "k8s_user" ? `; their secrets in Vault stay below ${was}, from where an admin moves them` : "";
      part.other.push(`is renamed: ${what} ${was} becomes ${is}${lost}`);
      continue;
    }
    if (was !== undefined && what === "k8s_user")
      part.other.push(`keeps the secrets in Vault below ${was}, from where an admin moves them`);
    if (was !== undefined)
      part.lost.push(
        `what they had as ${what} ${was}${is === undefined ? "" : ` (now ${is}; if that is a rename, say so in previously)`}`,
      );
    if (is !== undefined) part.gained.push(`the ${what} ${is}`);
  }
  return part;
}

function rightsChanges(past: LedgerEntry, after: LedgerEntry): Part {
  const part = { lost: [] as string[], gained: [] as string[], other: [] as string[] };
  if (past.tier !== after.tier) {
    const drops = TIERS[past.tier].rank > TIERS[after.tier].rank;
    (drops ? part.lost : part.gained).push(
      drops
        ? `the rights of tier ${past.tier} (now ${after.tier})`
        : `the rights of tier ${after.tier} (until now ${past.tier})`,
    );
  }
  const groups = TIERS[past.tier].groups.filter((group) => !TIERS[after.tier].groups.includes(group));
  if (groups.length > 0) {
    part.other.push(
      `is taken out of the groups ${listed(groups)} where this program gave them, and their sessions and processes that hold one are ended; ` +
        "groups that they had before or got by hand stay, and the deployment names them",
    );
  }
  part.other.push(...staysOfTier(past, after));
  if (entryPushes(past) && !entryPushes(after)) part.lost.push("direct push to the protected branch");
  if (!entryPushes(past) && entryPushes(after))
    part.gained.push("direct push to the protected branch: what they push deploys");
  const lost = past.namespaces.filter((name) => !after.namespaces.includes(name));
  const gained = after.namespaces.filter((name) => !past.namespaces.includes(name));
  if (lost.length > 0) {
    const rooms = `${lost.length === 1 ? "namespace" : "namespaces"} ${listed(lost)} (kept with everything in it)`;
    // Whoever becomes an admin loses no right in them.
    if (TIERS[after.tier].administers) part.other.push(`no longer owns the ${rooms}`);
    else part.lost.push(rooms);
  }
  if (gained.length > 0) part.gained.push(`${gained.length === 1 ? "namespace" : "namespaces"} ${listed(gained)}`);
  return part;
}

/** What stays although the new tier, or the new row, gives it no longer. */
function staysOfTier(past: LedgerEntry, after: LedgerEntry): readonly string[] {
  const [from, to] = [TIERS[past.tier], TIERS[after.tier]];
  const account = past.forgejoLogin;
  return [
    ...(from.clone === "locked" && to.clone === "untouched"
      ? ["keeps the clones as they are, locked: an admin's tree is never touched"]
      : []),
    ...(from.clone === "untouched" && to.clone === "locked"
      ? ["keeps the clones that are there as they are, unlocked ones included"]
      : []),
    ...(entryPushes(past) && !entryPushes(after) && account === after.forgejoLogin
      ? ["keeps write access to the other branches of infra"]
      : []),
    ...(account !== undefined && after.forgejoLogin === undefined
      ? [`keeps the forge account ${account} with its own tokens, keys and repositories`]
      : []),
  ];
}

function placeChanges(past: LedgerEntry, after: LedgerEntry): Part {
  const part = { lost: [] as string[], gained: [] as string[], other: [] as string[] };
  const [from] = past.hosts;
  const [to] = after.hosts;
  if (from !== to) {
    part.lost.push(`their place on ${from} (account and home stay there, locked)`);
    part.gained.push(`a place on ${to}`);
  }
  if (!past.parked && after.parked)
    part.other.push("is parked: their sessions are saved and ended, nothing of theirs runs, account and disk stay");
  if (past.parked && !after.parked)
    part.other.push("is no longer parked: everything of theirs runs again, saved sessions included");
  if (past.claudeAuth !== after.claudeAuth && past.parked === after.parked) {
    part.other.push(
      `has the sync of the assistant's credentials switched ${after.claudeAuth ? "on" : "off; what was synced stays"}`,
    );
  }
  if (past.layout !== after.layout) {
    const stays = after.layout === "single" ? "; the clones of the former layout stay where they are" : "";
    part.other.push(`has the layout ${after.layout} instead of ${past.layout}${stays}`);
  }
  const newRepos = after.repos.filter((repo) => !past.repos.includes(repo));
  const oldRepos = past.repos.filter((repo) => !after.repos.includes(repo));
  if (newRepos.length > 0) part.other.push(`has ${listed(newRepos)} cloned`);
  if (oldRepos.length > 0) part.other.push(`keeps the clone of ${listed(oldRepos)}, which is no longer looked after`);
  part.other.push(
    ...figures("limit", past.limits, after.limits),
    ...figures("quota", past.quota, after.quota, "; what runs above it stays"),
  );
  if (past.until !== after.until)
    part.other.push(after.until === undefined ? "has no last day any more" : `has ${after.until} as last day`);
  return part;
}

/** @param stays what a smaller figure does not end */
function figures<Figures extends object>(what: string, past: Figures, after: Figures, stays = ""): string[] {
  return (Object.keys(after) as (keyof Figures & string)[])
    .filter((name) => past[name] !== after[name])
    .map((name) => {
      const [was, is] = [String(past[name]), String(after[name])];
      return `has the ${what} ${name} changed from ${was} to ${is}${isLarger(name, is, was) ? "" : stays}`;
    });
}
