/**
 * Which rights a run would raise (spec, sections 9 and 11): what a person who is no admin may not bring about by a push alone.
 * Stricter than what a plan calls a gain: handing an account to another identity is one too, and so is more room or time.
 */

import type { LedgerEntry } from "../model.ts";
import { byCodeUnit } from "../text/order.ts";
import { listed } from "../text/quote.ts";
import { TIERS } from "../tiers.ts";
import type { Before } from "./changes.ts";

export interface RaisedRights {
  readonly who: string;
  /** Half sentences after "gets", never empty. */
  readonly what: readonly string[];
}

/** Everybody whose rights rise between two ledgers, by name. */
export function raisedRights({ people, renamed }: Before, after: Before["people"]): readonly RaisedRights[] {
  return [...after]
    .filter(([, entry]) => entry.leftOn === undefined)
    .sort(([a], [b]) => byCodeUnit(a, b))
    .map(([who, entry]) => ({ who, what: raised(people.get(renamed.get(who) ?? who), entry, renamed.get(who)) }))
    .filter(({ what }) => what.length > 0);
}

function raised(past: LedgerEntry | undefined, now: LedgerEntry, formerName: string | undefined): readonly string[] {
  if (past === undefined) return [`a place as ${now.tier}${extras(now)}`];
  if (past.leftOn !== undefined) return [`their place as ${now.tier} back${extras(now)}`];
  const what: string[] = [];
  if (formerName !== undefined) what.push(`the account of ${formerName}`);
  if (TIERS[now.tier].rank > TIERS[past.tier].rank)
    what.push(`the tier ${now.tier} instead of ${past.tier}${groups(now)}`);
  if (now.push && !past.push) what.push("direct push to the protected branch");
  const rooms = now.namespaces.filter((room) => !past.namespaces.includes(room));
  if (rooms.length > 0) what.push(`the namespaces ${listed(rooms)}`);
  for (const [name, was, is] of identities(past, now)) {
    if (is !== undefined && was !== is) what.push(`the ${name} ${is}${was === undefined ? "" : ` instead of ${was}`}`);
  }
  if (past.hosts[0] !== now.hosts[0]) what.push(`a place on ${now.hosts[0] ?? "another host"}`);
  if (past.parked && !now.parked) what.push("everything of theirs running again");
  if (!past.claudeAuth && now.claudeAuth && !now.parked) what.push("the assistant's credentials");
  if (past.until !== undefined && (now.until === undefined || now.until > past.until))
    what.push(now.until === undefined ? "no last day any more" : `${now.until} as last day instead of ${past.until}`);
  for (const [name, was, is] of [
    ["limits", past.limits, now.limits] as const,
    ["quota", past.quota, now.quota] as const,
  ]) {
    if (JSON.stringify(Object.entries(was).sort()) !== JSON.stringify(Object.entries(is).sort()))
      what.push(`other ${name}`);
  }
  return what;
}

const identities = (past: LedgerEntry, now: LedgerEntry) =>
  [
    ["login", past.authentikUser, now.authentikUser],
    ["k8s_user", past.k8sUser, now.k8sUser],
    ["e-mail", past.email, now.email],
    ["Forgejo login", past.forgejoLogin, now.forgejoLogin],
  ] as const;

const groups = ({ tier }: LedgerEntry) =>
  TIERS[tier].groups.length > 0 ? ` (groups ${listed(TIERS[tier].groups)})` : "";

const extras = (now: LedgerEntry) =>
  [
    groups(now),
    now.push ? " with direct push to the protected branch" : "",
    now.namespaces.length > 0 ? ` owning ${listed(now.namespaces)}` : "",
  ].join("");
