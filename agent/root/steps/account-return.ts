/** Coming back: exactly what the cut took away is given back, then the cut is forgotten. */

import { type Change, type Step, says } from "../../step.ts";
import type { AccountPart } from "../../contract.ts";
import { groupsOf } from "../accounts.ts";
import type { Machine } from "../machine.ts";
import { forgetCut, readCut, readLedger } from "../store.ts";
import { EXPIRED_DAY } from "./account-cut.ts";
import { mustUnlock } from "./account-exists.ts";
import { AT_JOBS, crontabOf, PARKED } from "./processes.ts";

/** Nothing to do for somebody who was never cut. */
export function accountReturn(m: Machine, part: AccountPart): Step {
  const who = part.osUser;
  const usermod = (...rest: string[]) => mustUnlock(m, ["/usr/sbin/usermod", ...rest, "--", who]);
  return {
    name: "return",
    differences: () => {
      const cut = readCut(m.sys, who);
      const user = m.accounts().users.get(who);
      if (cut === undefined || user === undefined) return [];
      const login = m.accounts().logins.get(who);
      const changes: Change[] = [];
      // Only somebody who was taken over may have a password; the others never have one that opens.
      const adopted = readLedger(m.sys).get(who)?.adopted === true;
      if (login?.locked === true && !cut.locked && adopted) {
        changes.push({
          point: "return-unlock",
          says: says("unlock", "the password that they had"),
          apply: () => usermod("--unlock"),
        });
      }
      if (login?.expires === EXPIRED_DAY && cut.expires !== EXPIRED_DAY) {
        const day = cut.expires === undefined ? "" : String(cut.expires);
        changes.push({
          point: "return-expire",
          says: says("take", "back the account's expiry"),
          apply: () => usermod("--expiredate", day),
        });
      }
      const inNow = new Set(groupsOf(m.accounts(), user));
      for (const group of cut.groups.filter(
        (g) => !inNow.has(g) && m.accounts().groups.has(g) && part.groups.includes(g),
      )) {
        changes.push({
          point: "return-group",
          says: says("put", `back into group ${group}`),
          apply: () => usermod("--append", "--groups", group),
        });
      }
      changes.push(...jobsBack(m, who));
      // Last of all: while the record is there, a killed return goes on where it was.
      changes.push({ point: "return-forget", says: says("end", "the cut"), apply: () => forgetCut(m.sys, who) });
      return changes;
    },
  };
}

function jobsBack(m: Machine, who: string): readonly Change[] {
  return (m.sys.list(`${PARKED}/${who}`) ?? []).map((name) => {
    const cron = name === who;
    const to = cron ? crontabOf(who) : `${AT_JOBS}/${name}`;
    return {
      point: cron ? ("return-cron" as const) : ("return-at" as const),
      says: says("put", cron ? "back their crontab" : "back an at job"),
      apply: () => m.sys.move(`${PARKED}/${who}/${name}`, to),
    };
  });
}
