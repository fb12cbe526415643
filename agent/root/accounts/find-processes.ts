/** Finds the processes and scheduled jobs of an account. */

import { STATE } from "../state/json-files.ts";
import type { System } from "../system/privileged-operations.ts";
import type { UidTest } from "./subordinate-uids.ts";

export const PARKED = `${STATE}/parked-jobs`;
/** The unit of a person's service manager, which systemd calls by the uid. */
export const userManagerOf = (uid: number): string => `user@${uid}.service`;
export const lingerFile = (name: string): string => `/var/lib/systemd/linger/${name}`;
export const crontabOf = (name: string): string => `/var/spool/cron/crontabs/${name}`;
export const AT_JOBS = "/var/spool/cron/atjobs";

export const atJobsOf = (sys: System, uid: number): readonly string[] =>
  (sys.list(AT_JOBS) ?? [])
    .map((name) => `${AT_JOBS}/${name}`)
    .filter((path) => sys.look(path)?.uid === uid && !path.includes("/."));

/** For whoever asks about the account's own uid alone. */
export const NO_SUBORDINATES: UidTest = () => false;

/**
 * Processes with that uid, or a subordinate one, as real, effective, saved or file-system uid, as the kernel tells. Only
 * the status file's `Uid` line is used, which a person cannot write.
 */
export function processesOf(sys: System, uid: number, isSubordinate = NO_SUBORDINATES): readonly number[] {
  return processesWith(sys, (id) => id === uid || isSubordinate(id)).map(({ pid }) => pid);
}

/** Those of them that hold one of the groups, as their own or as a supplementary one. */
export function processesInGroups(
  sys: System,
  uid: number,
  gids: readonly number[],
  isSubordinate: UidTest,
): readonly number[] {
  return processesOf(sys, uid, isSubordinate).filter((pid) => {
    const groupIds = [...idsOf(sys, pid, "Gid"), ...idsOf(sys, pid, "Groups")];
    return gids.some((gid) => groupIds.includes(gid));
  });
}

/** Each with those of its uids that pass the test. */
export function processesWith(
  sys: System,
  isMeant: UidTest,
): readonly { readonly pid: number; readonly uids: readonly number[] }[] {
  const found = pidsOf(sys).map((pid) => ({ pid, uids: idsOf(sys, pid, "Uid").filter(isMeant) }));
  return found.filter(({ uids }) => uids.length > 0);
}

/** The uids of all processes whose name, as the kernel has it, passes the test. */
export const uidsRunning = (sys: System, isMeant: (name: string) => boolean): ReadonlySet<number> =>
  new Set(
    pidsOf(sys).flatMap((pid) => {
      const status = statusOf(sys, pid);
      return isMeant(/^Name:\t(.*)$/m.exec(status)?.[1] ?? "") ? idsIn(status, "Uid") : [];
    }),
  );

const pidsOf = (sys: System): readonly number[] =>
  (sys.list("/proc") ?? []).filter((name) => /^\d+$/.test(name)).map(Number);

/** Empty for a process that has ended since it was listed. */
const statusOf = (sys: System, pid: number): string => sys.readProcess(pid) ?? "";

type IdLine = "Uid" | "Gid" | "Groups";

const idsOf = (sys: System, pid: number, line: IdLine): readonly number[] => idsIn(statusOf(sys, pid), line);

function idsIn(status: string, line: IdLine): readonly number[] {
  const ids = new RegExp(`^${line}:\\t(.*)$`, "m").exec(status)?.[1] ?? "";
  return ids.split(/[\t ]/).flatMap((id) => (id === "" ? [] : [Number(id)]));
}
