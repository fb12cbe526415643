/** Ends every session and process of an account, its service manager first. */

import { type Step, says } from "../../lib/converge.ts";
import type { User } from "../system/account-database.ts";
import type { Machine } from "../system/cached-machine.ts";
import { runOrThrow } from "../system/privileged-operations.ts";
import { resetFailed } from "../services/start-and-stop-units.ts";
import { endProcesses } from "./end-processes.ts";
import { processesOf, userManagerOf } from "./processes.ts";
import { subordinateUids } from "./subordinate-uids.ts";

/** @param isSpared a process that does not count; it ends with the others when one does */
export function endEverything(m: Machine, user: User, isSpared: (pid: number) => boolean = () => false): Step {
  return {
    name: "processes",
    differences: () => {
      const { isTheirs } = subordinateUids(m.sys, m.accounts(), user);
      if (processesOf(m.sys, user.uid, isTheirs).every(isSpared)) return [];
      const apply = async () => {
        // The user manager first, or it would start again what it supervises. It may not be running at all.
        const units = [userManagerOf(user.uid), `user-${user.uid}.slice`];
        await runOrThrow(m.sys, ["/usr/bin/systemctl", "stop", ...units]);
        await endProcesses(m, user, isTheirs);
        await resetFailed(m, units);
      };
      return [{ point: "cut-end", says: says("end", "all sessions and processes"), apply }];
    },
  };
}
