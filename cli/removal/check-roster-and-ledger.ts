/** Checks by the roster and the ledger that a user may be removed for good at all. */

import { ledgerBefore, rosterOf, surfacesOf, today, undeliveredBefore } from "../../config/desired-state.ts";
import type { LedgerEntry, OsUser } from "../../roster/model.ts";
import { offboardingState } from "../../roster/offboarding.ts";
import { listed } from "../../roster/text/quote.ts";
import { onSurfaces, surfacesWithAccess } from "../../roster/undelivered-changes.ts";
import { Refusal } from "../../config/refusal.ts";
import type { StackSettings } from "../../config/settings/stack-settings.ts";
import { PROJECT } from "../pulumi.ts";
import type { OpenStack } from "../stack/open-stack.ts";

export interface RemovableUser {
  readonly who: OsUser;
  readonly entry: LedgerEntry;
  /** The stack's hosts that hold, or held, an account of theirs. */
  readonly hosts: StackSettings["hosts"];
  /** Hosts of theirs that the stack no longer has: nothing is looked at there. */
  readonly lost: readonly string[];
}

/** @throws Refusal for everybody but those who are off the roster and whom a deployment has offboarded on every surface */
export async function checkRemovable({ settings, previousRun }: OpenStack, name: string): Promise<RemovableUser> {
  const osUser = name as OsUser;
  const { roster } = await rosterOf(settings, { folder: PROJECT });
  if (roster.rows.has(osUser))
    throw new Refusal(
      `${name} is on the roster (${settings.roster}); nobody who is on it is removed. Take the row out and deploy first.`,
    );
  const { people } = await ledgerBefore(settings, { ledger: previousRun.ledger, today: today(), folder: PROJECT });
  const entry = people.get(osUser);
  if (entry === undefined)
    throw new Refusal(
      `The stack has no user called "${name}"; its offboarded users are: ${leftOnes(people) || "none"}.`,
    );
  if (offboardingState(entry) === "present")
    throw new Refusal(`${name} is off the roster and no deployment has revoked their access yet: \`pulumi up\` first.`);
  const record = onSurfaces(undeliveredBefore(previousRun.undelivered), surfacesOf(settings));
  const open = surfacesWithAccess(record, osUser);
  if (open.length > 0)
    throw new Refusal(
      `${name}'s leave has not reached ${listed(open)}, where they may still have access; nothing was changed. Run ` +
        "`pulumi up` until it completes there (a host that is gone for good: take it out of workstation:hosts), then remove them.",
    );
  const hosts = settings.hosts.filter((host) => entry.hosts.some((held) => held === host.name));
  const lost = entry.hosts.filter((held) => !settings.hosts.some((host) => host.name === held));
  return { who: osUser, entry, hosts, lost };
}

const leftOnes = (people: ReadonlyMap<OsUser, LedgerEntry>): string =>
  [...people].flatMap(([who, entry]) => (offboardingState(entry) === "offboarded" ? [who] : [])).join(", ");
