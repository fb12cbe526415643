/** Finds the processes and scheduled jobs of an account, and ends the processes. */

import type { User } from "../system/account-database.ts";
import { STATE } from "../state/json-files.ts";
import type { System } from "../system/privileged-operations.ts";
import { AGENT, NODE } from "../system/installed-paths.ts";
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
const NO_SUBORDINATES: UidTest = () => false;

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
    const held = [...idsOf(sys, pid, "Gid"), ...idsOf(sys, pid, "Groups")];
    return gids.some((gid) => held.includes(gid));
  });
}

/** Each with those of its uids that pass the test. */
function processesWith(
  sys: System,
  isMeant: UidTest,
): readonly { readonly pid: number; readonly uids: readonly number[] }[] {
  const pids = (sys.list("/proc") ?? []).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = pids.map((pid) => ({ pid, uids: idsOf(sys, pid, "Uid").filter(isMeant) }));
  return found.filter(({ uids }) => uids.length > 0);
}

function idsOf(sys: System, pid: number, line: "Uid" | "Gid" | "Groups"): readonly number[] {
  // A process may end between the listing and this look.
  const status = sys.readProcess(pid) ?? "";
  const ids = new RegExp(`^${line}:\\t(.*)$`, "m").exec(status)?.[1] ?? "";
  return ids.split(/[\t ]/).flatMap((id) => (id === "" ? [] : [Number(id)]));
}

const TRIES = 50;
const PAUSE_MS = 100;
/** There are up to 65536 subordinate uids, each with a process of its own to end; nobody else waits longer for that. */
const LIMIT_MS = 60_000;

/**
 * Ends everything of a uid and of the subordinate ones. The signal is sent by a process of that very uid to all that it may
 * signal, in one call of the kernel, so that nothing can be forked past it and nobody else's process can be hit by a
 * reused number. A process under a subordinate uid can become its person again, so all of them are looked for each time.
 */
export async function endProcesses(sys: System, user: User, isSubordinate = NO_SUBORDINATES): Promise<void> {
  const endsMs = performance.now() + LIMIT_MS;
  for (let tried = 0; tried < TRIES; tried += 1) {
    const found = processesWith(sys, (uid) => uid === user.uid || isSubordinate(uid));
    if (found.length === 0) return;
    for (const uid of [...new Set(found.flatMap(({ uids }) => uids))].sort((a, b) => a - b)) {
      if (performance.now() > endsMs) return;
      const gid = uid === user.uid ? user.gid : uid;
      const as = ["--reuid", String(uid), "--regid", String(gid), "--clear-groups", "--no-new-privs", "--reset-env"];
      await sys.run(["/usr/bin/setpriv", ...as, "--", NODE, AGENT, "end-all"]);
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}
