/** Enables lingering for an account, so that its tmux sessions outlive its last login. */

import { type Step, says } from "../../lib/converge.ts";
import type { AccountPart } from "../../contract.ts";
import type { Machine } from "../system/cached-accounts-and-units.ts";
import { runOrThrow } from "../system/privileged-operations.ts";
import { lingerFile, userManagerOf } from "./find-processes.ts";

const START_TIMEOUT_MS = 90_000;

/** For every user who is present and not parked; offboarding and parking disable it again. */
export function enableLinger(m: Machine, part: Pick<AccountPart, "osUser">): Step {
  return {
    name: "linger",
    differences: async () => {
      const there = m.accounts().users.get(part.osUser);
      if (there === undefined) return [];
      const manager = userManagerOf(there.uid);
      const isKnown = m.sys.look(lingerFile(part.osUser)) !== undefined;
      const active = (await m.units([manager])).get(manager)?.active;
      if (isKnown && active !== "inactive" && active !== "failed") return [];
      const apply = async () => {
        if (!isKnown) await runOrThrow(m.sys, ["/usr/bin/loginctl", "enable-linger", part.osUser]);
        // Of a uid that logind has known as lingering all along, it takes a manager that was stopped for a started one.
        if (active === "failed") await runOrThrow(m.sys, ["/usr/bin/systemctl", "reset-failed", "--", manager]);
        await runOrThrow(m.sys, ["/usr/bin/systemctl", "start", "--", manager], { timeoutMs: START_TIMEOUT_MS });
      };
      const what = isKnown ? "the user manager" : "lingering, so that sessions outlive the last login";
      return [{ point: "account-linger", says: says("start", what), apply }];
    },
  };
}
