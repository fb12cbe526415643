/**
 * Lists the users whose access should be gone, by the stack's own ledger: as the last deployment has decided, not as
 * the next one would.
 */

import { loadLedger } from "../../roster/ledger.ts";
import type { Ledger, LedgerEntry, OsUser } from "../../roster/model.ts";
import { hostsWithoutAccess, offboardingState } from "../../roster/offboarding.ts";
import { listed } from "../../roster/text/quote.ts";
import { folded } from "../../roster/text/code-unit-order.ts";
import { renderProblem } from "../../roster/render-problem.ts";
import { ALL_DELIVERED, surfacesWithAccess, type Undelivered } from "../../roster/undelivered-changes.ts";
import { Refusal } from "../../config/refusal.ts";
import type { OffboardedUser } from "./model.ts";

/**
 * Somebody who was removed for good counts while a surface may still give them access.
 * @param stored the stack's output `ledger`
 * @param undelivered what surfaces may hold beside the ledger
 * @param named only these; everybody who left or moved where it is empty
 * @throws Refusal for a ledger that cannot be read, and for whoever is named and has not left
 */
export function offboardedUsers(
  stored: unknown,
  named: readonly string[],
  undelivered: Undelivered = ALL_DELIVERED,
): readonly OffboardedUser[] {
  if (stored === undefined) throw new Refusal("This stack was never deployed, so it has no offboarded user.");
  const loaded = loadLedger(typeof stored === "string" ? stored : "", "the stack's ledger");
  if (!loaded.ok) throw new Refusal(loaded.problems.map(renderProblem).join("\n"));
  const gone = new Map(
    [...loaded.ledger.people].flatMap(([osUser, entry]): [string, OffboardedUser][] => {
      const leaver = leaverOf(osUser, entry, loaded.ledger, surfacesWithAccess(undelivered, osUser).length > 0);
      return leaver === undefined ? [] : [[osUser, leaver]];
    }),
  );
  for (const name of named) {
    if (gone.has(name)) continue;
    const entry = loaded.ledger.people.get(name as OsUser);
    throw new Refusal(
      entry === undefined
        ? `${name} is nobody that this stack ever knew; look at the spelling.`
        : entry.removedOn === undefined
          ? `${name} is not offboarded yet; deploy the roster change first.`
          : `${name} was removed for good on ${entry.removedOn}, so no surface is probed. Kept: ${listed(keptOf(entry))}.`,
    );
  }
  return [...gone.values()].filter(({ osUser }) => named.length === 0 || named.includes(osUser));
}

/** What a removal for good leaves, by the ledger. */
const keptOf = ({ k8sUser, formerK8sUsers = [], forgejoLogin, ...entry }: LedgerEntry): readonly string[] => [
  `the secrets in Vault of ${listed([k8sUser, ...formerK8sUsers])}`,
  ...(forgejoLogin === undefined ? [] : [`the forge account ${forgejoLogin}`]),
  ...[...entry.namespaces, ...entry.formerNamespaces].map((name) => `the namespace ${name}, unless it was deleted`),
];

/** @param isHeld whether a surface may still give them access */
function leaverOf(osUser: OsUser, entry: LedgerEntry, { people }: Ledger, isHeld: boolean): OffboardedUser | undefined {
  const state = offboardingState(entry);
  const hosts = state === "removed" && isHeld ? entry.hosts : hostsWithoutAccess(entry);
  if (hosts.length === 0) return undefined;
  const everywhere = state !== "present";
  const { authentikUser, k8sUser, email, forgejoLogin, formerForgejoLogins = [], leftOn } = entry;
  const present = [...people].filter(([user, other]) => user !== osUser && offboardingState(other) === "present");
  const isSame = (other: LedgerEntry) =>
    email !== undefined && other.email !== undefined && folded(other.email) === folded(email);
  const forgejoHolders = new Map(
    present.flatMap(([user, other]) =>
      other.forgejoLogin === undefined ? [] : [[folded(other.forgejoLogin), user] as const],
    ),
  );
  const emailHolder = present.find(([, other]) => isSame(other))?.[0];
  const [loginHolder] = present.flatMap(([user, other]) =>
    folded(other.authentikUser) === folded(authentikUser) ? [{ osUser: user, host: other.hosts[0] }] : [],
  );
  return {
    ...{ osUser, everywhere, hosts, authentikUser, k8sUser },
    namespaces: [...entry.namespaces, ...entry.formerNamespaces],
    ...(leftOn === undefined ? {} : { leftOn }),
    ...(email === undefined ? {} : { email }),
    ...(emailHolder === undefined ? {} : { emailHolder }),
    ...(loginHolder === undefined ? {} : { loginHolder }),
    forgejoLogins: [...(forgejoLogin === undefined ? [] : [forgejoLogin]), ...formerForgejoLogins],
    forgejoHolders,
  };
}
