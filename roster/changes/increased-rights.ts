/**
 * Lists the increased rights of a run: those that a person who is no admin may not bring about by a push alone. It is
 * stricter than a plan's list of gains: an account that passes to another identity counts, and so do larger limits, a
 * larger quota and a later last day.
 */

import { entryPushes } from "../forge-access.ts";
import type { LedgerEntry, OsUser } from "../model.ts";
import { byCodeUnit } from "../text/code-unit-order.ts";
import { listed } from "../text/quote.ts";
import { TIERS } from "../tiers.ts";
import { ALL_DELIVERED, heldStates, type Undelivered } from "../undelivered-changes.ts";
import type { Before } from "./compare-ledgers.ts";
import { isLarger } from "./compare-sizes.ts";
import { IDENTITY_KINDS, IDENTITY_NAMES } from "./identity-holders.ts";

export interface RaisedRights {
  readonly who: string;
  /** Half sentences after "gets", never empty. */
  readonly what: readonly string[];
}

/**
 * Everybody whose rights rise between two ledgers, by name.
 * @param undelivered what surfaces may still hold from before: a rise that an earlier run announced and did not bring there
 * is a rise of this run
 */
export function raisedRights(
  { people, renamed }: Before,
  after: Before["people"],
  undelivered: Undelivered = ALL_DELIVERED,
): readonly RaisedRights[] {
  const risesOf = (osUser: OsUser, now: LedgerEntry): readonly string[] => {
    const name = renamed.get(osUser) ?? osUser;
    const states = [{ name, entry: people.get(name) }, ...heldStates(undelivered, name)];
    const rises = states.flatMap((past) => raised(past.entry, now, past.name === osUser ? undefined : past.name));
    return [...new Set(rises)];
  };
  return [...after]
    .filter(([, entry]) => entry.leftOn === undefined)
    .sort(([a], [b]) => byCodeUnit(a, b))
    .map(([who, entry]) => ({ who, what: risesOf(who, entry) }))
    .filter(({ what }) => what.length > 0);
}

function raised(past: LedgerEntry | undefined, now: LedgerEntry, formerName: string | undefined): readonly string[] {
  if (past === undefined) return [`a place as ${now.tier}${extras(now)}`];
  const renamed = formerName === undefined ? [] : [`the account of ${formerName}`];
  if (past.leftOn !== undefined)
    return [`their place as ${now.tier} back${extras(now)}`, ...renamed, ...otherIdentities(past, now)];
  const what: string[] = [...renamed];
  if (TIERS[now.tier].rank > TIERS[past.tier].rank)
    what.push(`the tier ${now.tier} instead of ${past.tier}${groups(now)}`);
  if (entryPushes(now) && !entryPushes(past)) what.push("direct push to the protected branch");
  const namespaces = now.namespaces.filter((namespace) => !past.namespaces.includes(namespace));
  if (namespaces.length > 0) what.push(`the namespaces ${listed(namespaces)}`);
  what.push(...otherIdentities(past, now));
  if (past.hosts[0] !== now.hosts[0]) what.push(`a place on ${now.hosts[0] ?? "another host"}`);
  if (past.parked && !now.parked) what.push("everything of theirs running again");
  if (!past.parked && !past.claudeAuth && now.claudeAuth) what.push("the assistant's credentials");
  if (past.until !== undefined && (now.until === undefined || now.until > past.until))
    what.push(now.until === undefined ? "no last day any more" : `${now.until} as last day instead of ${past.until}`);
  if (grows(past.limits, now.limits)) what.push("larger limits");
  if (grows(past.quota, now.quota)) what.push("a larger quota");
  return what;
}

/** Whose account it is by now: a rename passes it on as much as a return under another login does. */
const otherIdentities = (past: LedgerEntry, now: LedgerEntry): readonly string[] =>
  IDENTITY_KINDS.flatMap((kind) => {
    const [was, is] = [past[kind], now[kind]];
    if (is === undefined || was === is) return [];
    return [`the ${IDENTITY_NAMES[kind]} ${is}${was === undefined ? "" : ` instead of ${was}`}`];
  });

function grows<Figures extends object>(past: Figures, now: Figures): boolean {
  return (Object.keys(now) as (keyof Figures)[]).some((name) =>
    isLarger(String(name), String(now[name]), String(past[name])),
  );
}

const groups = ({ tier }: LedgerEntry) =>
  TIERS[tier].groups.length > 0 ? ` (groups ${listed(TIERS[tier].groups)})` : "";

const extras = (now: LedgerEntry) =>
  [
    groups(now),
    entryPushes(now) ? " with direct push to the protected branch" : "",
    now.namespaces.length > 0 ? ` owning ${listed(now.namespaces)}` : "",
  ].join("");
