/** Whether an account may be this person's at all: uid and home as given, and nobody else's account taken over. */

import { type Step, says } from "../../step.ts";
import type { AccountPart } from "../../contract.ts";
import { Refusal } from "../../refusal.ts";
import type { Machine } from "../machine.ts";
import { readLedger, writeLedger } from "../store.ts";

export const homeOf = (osUser: string): string => `/home/${osUser}`;

/**
 * Writes the person into the host's ledger before anything is made for them.
 *
 * @throws Refusal by name for every contradiction with what this host holds.
 */
export function accountGiven(m: Machine, part: AccountPart): Step {
  return {
    name: "account",
    differences: () => {
      const ledger = readLedger(m.sys);
      const known = ledger.get(part.osUser);
      const user = m.accounts().users.get(part.osUser);
      if (known !== undefined && known.uid !== part.uid) {
        throw new Refusal(
          `this host gave ${part.osUser} the uid ${known.uid}, and ${part.uid} was delivered; uids are never given anew: ` +
            "restore the stack's ledger, or remove the account for good and deliver again",
        );
      }
      for (const [other, entry] of ledger) {
        if (other !== part.osUser && entry.uid === part.uid) {
          throw new Refusal(`uid ${part.uid} was given to ${other} on this host and is never given to anybody else`);
        }
      }
      for (const other of m.accounts().users.values()) {
        if (other.name !== part.osUser && other.uid === part.uid) {
          throw new Refusal(`uid ${part.uid} belongs to the account ${other.name}, which this program does not manage`);
        }
      }
      if (user !== undefined) assertTheirs(user, part, known === undefined || known.removedOn !== undefined);
      if (user === undefined && part.state === "left") return [];
      // Whoever was removed for good and is back has their uid again, and none of what they had.
      if (known !== undefined && known.removedOn === undefined) return [];
      const adopted = user !== undefined;
      const sentence = adopted
        ? says("take", "over the account that was here before, as it is")
        : says("note", `uid ${part.uid}`);
      const apply = () => writeLedger(m.sys, new Map(ledger).set(part.osUser, { uid: part.uid, adopted }));
      return [{ point: "account-ledger", says: sentence, apply }];
    },
  };
}

function assertTheirs(user: { uid: number; home: string; shell: string }, part: AccountPart, foreign: boolean): void {
  if (foreign && !part.adopt) {
    throw new Refusal(
      `an account ${part.osUser} (uid ${user.uid}) exists here and was not made by this program; it is left alone. ` +
        `To take it over as it is, name ${part.osUser} among the stack's adopted accounts`,
    );
  }
  if (user.uid !== part.uid) {
    throw new Refusal(
      `the account ${part.osUser} has uid ${user.uid} here, and ${part.uid} was delivered; give it ${user.uid} in the ledger`,
    );
  }
  if (user.home !== homeOf(part.osUser)) {
    throw new Refusal(`the account's home is ${user.home}; only ${homeOf(part.osUser)} is worked in`);
  }
  if (/\/(nologin|false)$/.test(user.shell)) {
    throw new Refusal(`the account's shell is ${user.shell}, so it is a service's, not a person's`);
  }
}
