/** Ends every session and process of an account, its service manager first. */

import { type Step, says } from "../../lib/converge.ts";
import type { User } from "../system/account-database.ts";
import type { Machine } from "../system/cached-accounts-and-units.ts";
import { runOrThrow } from "../system/privileged-operations.ts";
import { resetFailed } from "../services/start-and-stop-units.ts";
import { endProcesses } from "./end-processes.ts";
import { processesOf, userManagerOf } from "./find-processes.ts";
import { subordinateUids } from "./subordinate-uids.ts";

/** @param isSpared a process that does not count; it ends with the others when one does */
export function endEverything(m: Machine, user: User, isSpared: (pid: number) => boolean = () => false): Step {
  return {
    name: "processes",
    differences: () => {
      const { isTheirs } = subordinateUids(m.sys, m.accounts(), user);
      if (processesOf(m.sys, user.uid, isTheirs).every(isSpared)) return [];
      const apply = () => stopAndEnd(m, user);
      return [{ point: "cut-end", says: says("end", "all sessions and processes"), apply }];
    },
  };
}

/**
 * Stops the user manager first, or it would start again what it supervises. It may not be running at all, and units of the
 * account's own may refuse to stop for as long as their settings say, so everything is killed afterwards in any case.
 */
export async function stopAndEnd(m: Machine, user: User): Promise<void> {
  const units = [userManagerOf(user.uid), `user-${user.uid}.slice`];
  const stop = ["/usr/bin/systemctl", "stop", ...units];
  const stopped = await m.sys.run(stop);
  await endProcesses(m, user, subordinateUids(m.sys, m.accounts(), user).isTheirs);
  // Nothing is left that could hold it up; another reason is a failure.
  if (stopped.code !== 0) await runOrThrow(m.sys, stop);
  await resetFailed(m, units);
}
