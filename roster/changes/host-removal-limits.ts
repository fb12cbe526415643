/**
 * Finds the removal limits of single hosts that a run would exceed. A host counts what it was given, which may be older
 * than the ledger, and it refuses a run that exceeds them; by then the other surfaces have changed.
 */

import type { Desired, HostName, LedgerEntry, OsUser } from "../model.ts";
import { counted } from "../text/quote.ts";
import { TIERS } from "../tiers.ts";
import type { Undelivered } from "../undelivered-changes.ts";
import type { Before } from "./compare-ledgers.ts";

export interface ExceededHostLimit {
  readonly kind: "limit" | "last-person" | "fewest-admins";
  /** Each person with a half sentence after "loses". */
  readonly losers: ReadonlyMap<OsUser, string>;
  /** The start of a sentence that goes on with the losers. */
  readonly reason: string;
}

/**
 * The limits that the agent applies to its part of a run, for each of these hosts. Where a host may hold several states of
 * a person, the strictest counts: they may lose what any of these gave, and are sure to stay only if each of them did.
 */
export function exceededHostLimits(
  hosts: readonly HostName[],
  before: Before,
  desired: Desired,
  undelivered: Undelivered,
  removalLimit: number,
): readonly ExceededHostLimit[] {
  return hosts.flatMap((host) => {
    const users = usersOf(host, before, desired, undelivered);
    const held = users.filter(({ mayHave }) => mayHave);
    const leaving = held.filter(({ has }) => !has);
    const losesAdmin = ({ mayAdminister, administers }: HostUser) => mayAdminister && !administers;
    const admins = held.filter(losesAdmin);
    const exceeded = (kind: ExceededHostLimit["kind"], losing: readonly HostUser[], reason: string) => ({
      ...{ kind, reason },
      losers: new Map(losing.map(({ who, has }) => [who, `${has ? "the groups of an admin" : "access"} on ${host}`])),
    });
    const losing = held.filter((user) => !user.has || losesAdmin(user));
    return [
      ...(losing.length > removalLimit
        ? [
            exceeded(
              "limit",
              losing,
              `${counted(losing.length, "user", "users")} of ${held.length} on host ${host} would lose rights there, and this stack allows ${removalLimit} at once`,
            ),
          ]
        : []),
      ...(leaving.length > 0 && !users.some(({ surelyStays }) => surelyStays)
        ? [exceeded("last-person", leaving, `Nobody who has access to host ${host} today would be left there`)]
        : []),
      ...(admins.length > 0 && !users.some(({ administers }) => administers)
        ? [exceeded("fewest-admins", admins, `No admin would be left on host ${host}`)]
        : []),
    ];
  });
}

/** One person as one host may have them now, and as it has them after the run. */
interface HostUser {
  readonly who: OsUser;
  readonly mayHave: boolean;
  readonly mayAdminister: boolean;
  readonly surelyStays: boolean;
  readonly has: boolean;
  readonly administers: boolean;
}

function usersOf(host: HostName, before: Before, desired: Desired, undelivered: Undelivered): readonly HostUser[] {
  const gives = (entry: LedgerEntry | undefined): entry is LedgerEntry =>
    entry !== undefined && entry.leftOn === undefined && entry.hosts[0] === host;
  const former = undelivered.get(`host ${host}`);
  return [...desired.ledger.people].map(([who, after]) => {
    const name = before.renamed.get(who) ?? who;
    const states = [before.people.get(name), ...(former?.get(name) ?? []).map(({ entry }) => entry)];
    const has = gives(after);
    return {
      ...{ who, has },
      mayHave: states.some(gives),
      mayAdminister: states.some((entry) => gives(entry) && TIERS[entry.tier].administers),
      surelyStays: has && states.every(gives),
      administers: has && TIERS[after.tier].administers,
    };
  });
}
