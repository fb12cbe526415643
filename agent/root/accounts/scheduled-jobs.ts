/** Suspends what would start something of an account again, which is lingering, cron and at jobs, and puts the jobs back. */

import { type Change, says } from "../../lib/converge.ts";
import type { User } from "../system/account-database.ts";
import type { Machine } from "../system/cached-machine.ts";
import { AT_JOBS, atJobsOf, crontabOf, lingerFile, PARKED } from "./processes.ts";

export function suspendJobs(m: Machine, user: User): readonly Change[] {
  const changes: Change[] = [];
  if (m.sys.look(lingerFile(user.name)) !== undefined) {
    const apply = () => m.sys.remove(lingerFile(user.name));
    changes.push({ point: "cut-linger", says: says("disable", "lingering"), apply });
  }
  const park = (from: string) => {
    m.sys.makeDirectory(`${PARKED}/${user.name}`, 0o700);
    m.sys.move(from, `${PARKED}/${user.name}/${from.slice(from.lastIndexOf("/") + 1)}`);
  };
  if (m.sys.look(crontabOf(user.name)) !== undefined) {
    changes.push({ point: "cut-cron", says: says("suspend", "the crontab"), apply: () => park(crontabOf(user.name)) });
  }
  for (const job of atJobsOf(m.sys, user.uid)) {
    changes.push({ point: "cut-at", says: says("suspend", "an at job"), apply: () => park(job) });
  }
  return changes;
}

export function restoreJobs(m: Machine, who: string): readonly Change[] {
  return (m.sys.list(`${PARKED}/${who}`) ?? []).map((name) => {
    const cron = name === who;
    const to = cron ? crontabOf(who) : `${AT_JOBS}/${name}`;
    return {
      point: cron ? ("return-cron" as const) : ("return-at" as const),
      says: says("restore", cron ? "the crontab" : "an at job"),
      apply: () => m.sys.move(`${PARKED}/${who}/${name}`, to),
    };
  });
}
