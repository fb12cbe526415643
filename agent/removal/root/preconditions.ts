/** Checks whether a user may be removed and returns every reason against it, before anything is created or deleted. */

import { readFileSync } from "node:fs";
import { kindOf } from "../../lib/files.ts";
import { Refusal } from "../../lib/errors.ts";
import type { User } from "../../root/system/account-database.ts";
import type { Machine } from "../../root/system/cached-accounts-and-units.ts";
import { EXPIRED_DAY } from "../../root/accounts/offboard.ts";
import { homeOf } from "../../root/accounts/verify-ownership.ts";
import { processesOf } from "../../root/accounts/find-processes.ts";
import { subordinateUids } from "../../root/accounts/subordinate-uids.ts";
import { loadPart } from "../../root/state/stored-parts.ts";
import { readOffboarding } from "../../root/state/offboarding-records.ts";
import { readLedger } from "../../root/state/host-ledger.ts";

export interface RemovalTarget {
  readonly m: Machine;
  readonly user: User;
  readonly failpoint: string | undefined;
}

/** The account as this host has it; undefined where neither account nor home is here. @throws Refusal for a home without an account */
export function accountOnHost(m: Machine, osUser: string): User | undefined {
  const user = m.accounts().users.get(osUser);
  if (user !== undefined) return user;
  const home = m.sys.look(homeOf(osUser));
  if (home === undefined) return undefined;
  throw new Refusal(`${homeOf(osUser)} is ${kindOf(home)}, but there is no account ${osUser}; find out whose it is`);
}

/**
 * Why this person may not be removed here, in sentences; empty when they may. What the host was told decides: somebody
 * whom the last delivery counts as present is never touched, whoever asks.
 * @param uid what the stack's ledger says
 */
export function reasonsAgainstRemoval(m: Machine, osUser: string, uid: number): readonly string[] {
  const { sys } = m;
  const part = loadPart(sys, "account", osUser);
  const maps = loadPart(sys, "maps");
  const entry = readLedger(sys).get(osUser);
  const account = m.accounts().users.get(osUser);
  const why: string[] = [];
  const unless = (fine: boolean, sentence: string) => {
    if (!fine) why.push(sentence);
  };
  unless(
    part?.state === "left",
    `expected account state \`left\`, but found ${part === undefined ? "no delivered account" : `\`${part.state}\``}`,
  );
  unless(maps !== undefined && !maps.present.includes(osUser), `${osUser} is listed as present in the maps part`);
  unless(
    entry === undefined || entry.uid === uid,
    `expected uid ${uid}, but found ${entry?.uid} in this host's ledger`,
  );
  if (account === undefined) return why;
  const login = m.accounts().logins.get(osUser);
  unless(account.uid === uid, `expected uid ${uid}, but found ${account.uid} at the account`);
  unless(
    account.uid >= 1000 && account.home === homeOf(osUser),
    `the account's home is ${account.home}, and only ${homeOf(osUser)} is ever touched`,
  );
  unless(
    readOffboarding(sys, osUser) !== undefined && login?.locked === true && login.expires === EXPIRED_DAY,
    "they are not offboarded on this host: run `workstation reconcile` and look at `workstation status`",
  );
  const running = processesOf(sys, account.uid, subordinateUids(sys, m.accounts(), account).isTheirs);
  unless(running.length === 0, `processes of theirs are running (${running.slice(0, 10).join(", ")}): end them`);
  const mounts = mountsBelow(account.home);
  unless(mounts.length === 0, `something is mounted in the home (${mounts.join(", ")}): unmount it`);
  return why;
}

/** @throws Refusal that names them: what one of them writes now would be in no archive */
export function assertNoProcesses({ m, user }: RemovalTarget, when: string): void {
  const running = processesOf(m.sys, user.uid, subordinateUids(m.sys, m.accounts(), user).isTheirs);
  if (running.length > 0)
    throw new Refusal(
      `${when}, processes of ${user.name} are running (${running.slice(0, 10).join(", ")}); end them and start again`,
    );
}

/** Mount points at or below a home, as the kernel tells; spaces and the like stay in its octal spelling. */
function mountsBelow(home: string): readonly string[] {
  const points = readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "");
  return points.filter((point) => point === home || point.startsWith(`${home}/`));
}
