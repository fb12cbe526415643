/**
 * Suspends what would start something of an account again, which is lingering, cron and at jobs, and puts the jobs back.
 * No job replaces another one: a parked user may still log in and write a crontab.
 */

import { type Change, says } from "../../lib/converge.ts";
import type { User } from "../system/account-database.ts";
import type { Machine } from "../system/cached-accounts-and-units.ts";
import { AT_JOBS, atJobsOf, crontabOf, lingerFile, PARKED } from "./find-processes.ts";

export function suspendJobs(m: Machine, user: User): readonly Change[] {
  const changes: Change[] = [];
  if (m.sys.look(lingerFile(user.name)) !== undefined) {
    const apply = () => m.sys.remove(lingerFile(user.name));
    changes.push({ point: "cut-linger", says: says("disable", "lingering"), apply });
  }
  const park = (from: string) => {
    const folder = `${PARKED}/${user.name}`;
    m.sys.makeDirectory(folder, 0o700);
    m.sys.move(from, `${folder}/${freeName(m.sys.list(folder) ?? [], from.slice(from.lastIndexOf("/") + 1))}`);
  };
  if (m.sys.look(crontabOf(user.name)) !== undefined) {
    changes.push({ point: "cut-cron", says: says("suspend", "the crontab"), apply: () => park(crontabOf(user.name)) });
  }
  for (const job of atJobsOf(m.sys, user.uid)) {
    changes.push({ point: "cut-at", says: says("suspend", "an at job"), apply: () => park(job) });
  }
  return changes;
}

/** Of several parked jobs with one name, the latest returns. A job whose target exists stays parked. */
export function restoreJobs(m: Machine, osUser: string): readonly Change[] {
  return parkedJobs(m, osUser)
    .filter(({ returns }) => returns)
    .map(({ from, to, isCrontab }) => ({
      point: isCrontab ? ("return-cron" as const) : ("return-at" as const),
      says: says("restore", isCrontab ? "the crontab" : "an at job"),
      apply: () => m.sys.move(from, to),
    }));
}

/** Warns of each job that `restoreJobs` leaves where it was parked. */
export function warnOfKeptJobs(m: Machine, osUser: string, warn: (sentence: string) => void): void {
  for (const { from, to } of parkedJobs(m, osUser).filter(({ returns }) => !returns))
    warn(
      `${from} is not restored, since a later one has its place at ${to}; copy from it by hand the lines that are still needed, then remove it`,
    );
}

/** The crontabs of that user among the names of parked jobs. */
export const crontabsAmong = (files: readonly string[], osUser: string): readonly string[] =>
  files.filter((file) => parse(file).name === osUser);

interface ParkedJob {
  readonly from: string;
  readonly to: string;
  readonly isCrontab: boolean;
  readonly returns: boolean;
}

function parkedJobs(m: Machine, osUser: string): readonly ParkedJob[] {
  const jobs = (m.sys.list(`${PARKED}/${osUser}`) ?? []).map((file) => ({ file, ...parse(file) }));
  return jobs.map(({ file, name, number }) => {
    const isCrontab = name === osUser;
    const to = isCrontab ? crontabOf(osUser) : `${AT_JOBS}/${name}`;
    const isLatest = !jobs.some((other) => other.name === name && other.number > number);
    return { from: `${PARKED}/${osUser}/${file}`, to, isCrontab, returns: isLatest && m.sys.look(to) === undefined };
  });
}

/** Neither the names of users nor those of at jobs have a dot. */
function parse(file: string): { readonly name: string; readonly number: number } {
  const [, name = file, number = "1"] = /^(.+)\.(\d+)$/.exec(file) ?? [];
  return { name, number: Number(number) };
}

/** After the highest number and not in a gap, so that the number tells which job is the latest. */
function freeName(files: readonly string[], name: string): string {
  const numbers = files.map(parse).flatMap((job) => (job.name === name ? [job.number] : []));
  return numbers.length === 0 ? name : `${name}.${Math.max(...numbers) + 1}`;
}
