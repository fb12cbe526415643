/** Verifies that an account may be managed as this person's: uid and home as recorded, and nobody else's account. */

import { type Step, says } from "../../lib/converge.ts";
import type { AccountPart } from "../../contract.ts";
import { Refusal } from "../../lib/errors.ts";
import type { Machine } from "../system/cached-accounts-and-units.ts";
import { forgetConverged } from "../state/converged-versions.ts";
import { readLedger, writeLedger } from "../state/host-ledger.ts";
import { removePendingHome, recordPendingHome } from "../state/pending-homes.ts";

export const homeOf = (osUser: string): string => `/home/${osUser}`;

/**
 * Writes the person into the host's ledger before anything is made for them.
 *
 * @throws Refusal by name for every contradiction with what this host holds.
 */
export function verifyOwnership(m: Machine, part: AccountPart): Step {
  return {
    name: "account",
    differences: () => {
      const ledger = readLedger(m.sys);
      const ledgerEntry = ledger.get(part.osUser);
      const user = m.accounts().users.get(part.osUser);
      if (ledgerEntry !== undefined && ledgerEntry.uid !== part.uid) {
        throw new Refusal(
          `this host's ledger assigns uid ${ledgerEntry.uid} to ${part.osUser}, but ${part.uid} was delivered; a uid is never reassigned: ` +
            "restore the stack's ledger, or remove the account for good and deliver again",
        );
      }
      for (const [other, entry] of ledger) {
        if (other !== part.osUser && entry.uid === part.uid) {
          throw new Refusal(`uid ${part.uid} is assigned to ${other} in this host's ledger and is never reassigned`);
        }
      }
      for (const other of otherAccountsOf(m, part))
        throw new Refusal(`uid ${part.uid} belongs to the account ${other}, which is unmanaged`);
      if (user !== undefined)
        assertTheirs(user, part, ledgerEntry === undefined || ledgerEntry.removedOn !== undefined);
      if (user === undefined && part.state === "left") return [];
      // Whoever was removed for good and is back has their uid again, and none of what they had.
      if (ledgerEntry !== undefined && ledgerEntry.removedOn === undefined) return [];
      const adopted = user !== undefined;
      const sentence = adopted
        ? says("adopt", "the existing account as it is")
        : says("record", `uid ${part.uid} in the host's ledger`);
      const apply = () => {
        forgetConverged(m.sys, part.osUser);
        // Before the ledger: a run that is killed in between starts over.
        if (adopted) removePendingHome(m.sys, part.uid);
        else recordPendingHome(m.sys, part.uid);
        writeLedger(m.sys, new Map(ledger).set(part.osUser, { uid: part.uid, adopted }));
      };
      return [{ point: "account-ledger", says: sentence, apply }];
    },
  };
}

/**
 * Whether an account exists under that name with the delivered uid and is managed by this program. That is enough to revoke
 * access: what somebody else changed of the account keeps nothing from being revoked.
 *
 * @throws Refusal when this host's ledger is damaged
 */
export function isManaged(m: Machine, { osUser, uid }: Pick<AccountPart, "osUser" | "uid">): boolean {
  const entry = readLedger(m.sys).get(osUser);
  return m.accounts().users.get(osUser)?.uid === uid && entry?.uid === uid && entry.removedOn === undefined;
}

/** Names of other accounts with the same uid: whoever logs in to one of them is this user to the kernel. */
export const otherAccountsOf = (m: Machine, { osUser, uid }: Pick<AccountPart, "osUser" | "uid">): readonly string[] =>
  [...m.accounts().users.values()]
    .filter((other) => other.name !== osUser && other.uid === uid)
    .map(({ name }) => name);

/** Shells that let nobody in. */
export const NO_LOGIN = /\/(nologin|false)$/;

function assertTheirs(user: { uid: number; home: string; shell: string }, part: AccountPart, foreign: boolean): void {
  if (foreign && !part.adopt) {
    throw new Refusal(
      `an account ${part.osUser} (uid ${user.uid}) exists on this host, but is unmanaged; it was left unchanged. ` +
        `To adopt it as it is, add ${part.osUser} to the stack's setting devvm.adoptExisting`,
    );
  }
  if (user.uid !== part.uid) {
    throw new Refusal(
      `the account ${part.osUser} has uid ${user.uid} on this host, but ${part.uid} was delivered; set ${user.uid} in the ledger`,
    );
  }
  if (user.home !== homeOf(part.osUser)) {
    throw new Refusal(`the account's home is ${user.home}; it must be ${homeOf(part.osUser)}`);
  }
  if (NO_LOGIN.test(user.shell)) {
    throw new Refusal(`the account's shell is ${user.shell}, so it is a service account and no user's`);
  }
}
