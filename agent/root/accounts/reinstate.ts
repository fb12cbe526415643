/**
 * Reinstates an offboarded account: returns exactly what the record of its offboarding holds, then removes the record.
 */

import { type Change, type Step, says } from "../../lib/converge.ts";
import type { AccountPart } from "../../contract.ts";
import { groupsOf } from "../system/account-database.ts";
import type { Machine } from "../system/cached-accounts-and-units.ts";
import { removeOffboarding, readOffboarding } from "../state/offboarding-records.ts";
import { readLedger } from "../state/host-ledger.ts";
import { EXPIRED_DAY } from "./offboard.ts";
import { runShadowUtility } from "./shadow-utils.ts";
import { restoreJobs, warnOfKeptJobs } from "./scheduled-jobs.ts";

/** Nothing to do for somebody who was never record. */
export function reinstateAccount(m: Machine, part: AccountPart, warn: (sentence: string) => void): Step {
  const osUser = part.osUser;
  const usermod = (...rest: string[]) => runShadowUtility(m, ["/usr/sbin/usermod", ...rest, "--", osUser]);
  return {
    name: "return",
    differences: () => {
      const record = readOffboarding(m.sys, osUser);
      const user = m.accounts().users.get(osUser);
      if (record === undefined || user === undefined) return [];
      const login = m.accounts().logins.get(osUser);
      const changes: Change[] = [];
      // Only somebody who was taken over may have a password; the others never have one that opens.
      const adopted = readLedger(m.sys).get(osUser)?.adopted === true;
      if (login?.locked === true && !record.locked && adopted) {
        changes.push({
          point: "return-unlock",
          says: says("unlock", "the password"),
          apply: () => usermod("--unlock"),
        });
      }
      if (login?.expires === EXPIRED_DAY && record.expires !== EXPIRED_DAY) {
        const day = record.expires === undefined ? "" : String(record.expires);
        changes.push({
          point: "return-expire",
          says: says("restore", "the account's expiry"),
          apply: () => usermod("--expiredate", day),
        });
      }
      const inNow = new Set(groupsOf(m.accounts(), user));
      for (const group of record.groups.filter(
        (g) => !inNow.has(g) && m.accounts().groups.has(g) && part.groups.includes(g),
      )) {
        changes.push({
          point: "return-group",
          says: says("add", `back to group ${group}`),
          apply: () => usermod("--append", "--groups", group),
        });
      }
      warnOfKeptJobs(m, osUser, warn);
      changes.push(...restoreJobs(m, osUser));
      // Last of all: while the record is there, a killed return goes on where it was.
      changes.push({
        point: "return-forget",
        says: says("complete", "the reinstatement"),
        apply: () => removeOffboarding(m.sys, osUser),
      });
      return changes;
    },
  };
}
