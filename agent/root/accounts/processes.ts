/** Finds the processes and scheduled jobs of one uid, and ends the processes. */

import type { User } from "../system/account-database.ts";
import { STATE } from "../state/json-files.ts";
import type { System } from "../system/privileged-operations.ts";
import { AGENT, NODE } from "../system/installed-paths.ts";

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

/**
 * Processes with that uid as real, effective, saved or file-system uid, as the kernel tells. Only the status file's
 * `Uid` line is used, which a person cannot write.
 */
export function processesOf(sys: System, uid: number): readonly number[] {
  const pids = (sys.list("/proc") ?? []).filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => uidsOf(sys, pid).includes(uid));
}

/** Those of them that hold one of the groups, as their own or as a supplementary one. */
export function processesInGroups(sys: System, uid: number, gids: readonly number[]): readonly number[] {
  return processesOf(sys, uid).filter((pid) => {
    const held = [...idsOf(sys, pid, "Gid"), ...idsOf(sys, pid, "Groups")];
    return gids.some((gid) => held.includes(gid));
  });
}

const uidsOf = (sys: System, pid: number): readonly number[] => idsOf(sys, pid, "Uid");

function idsOf(sys: System, pid: number, line: "Uid" | "Gid" | "Groups"): readonly number[] {
  // A process may end between the listing and this look.
  const status = sys.readProcess(pid) ?? "";
  const ids = new RegExp(`^${line}:\\t(.*)$`, "m").exec(status)?.[1] ?? "";
  return ids.split(/[\t ]/).flatMap((id) => (id === "" ? [] : [Number(id)]));
}

const TRIES = 50;
const PAUSE_MS = 100;

/**
 * Ends everything of a uid. The signal is sent by a process of that very uid to all that it may signal, in one call of
 * the kernel, so that nothing can be forked past it and nobody else's process can be hit by a reused number.
 */
export async function endProcesses(sys: System, user: User): Promise<void> {
  const as = [
    "--reuid",
    String(user.uid),
    "--regid",
    String(user.gid),
    "--clear-groups",
    "--no-new-privs",
    "--reset-env",
  ];
  for (let tried = 0; tried < TRIES && processesOf(sys, user.uid).length > 0; tried += 1) {
    await sys.run(["/usr/bin/setpriv", ...as, "--", NODE, AGENT, "end-all"]);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}
