/**
 * Turns off password ageing on an account whose password is locked: nobody could change it in time, and PAM would refuse
 * their sessions and service manager.
 */

import { type Step, says } from "../../lib/converge.ts";
import type { AccountPart } from "../../contract.ts";
import type { Login } from "../system/account-database.ts";
import type { Machine } from "../system/cached-accounts-and-units.ts";
import { runShadowUtility } from "./shadow-utils.ts";

/** What shadow-utils writes for "never"; see `login.defs(5)`. */
const NEVER_DAYS = 99_999;

/** As `pam_unix(8)` decides: a day of 0 asks for a new password at once, and a maximum age at some time. */
export const agesOut = ({ changed, maximumDays }: Login): boolean =>
  changed === 0 || (maximumDays !== undefined && maximumDays < NEVER_DAYS);

/** An adopted account with a password keeps the policy that it came with. */
export function disableAgeing(m: Machine, { osUser }: AccountPart): Step {
  return {
    name: "password ageing",
    differences: () => {
      const login = m.accounts().logins.get(osUser);
      if (login === undefined || !login.locked || !agesOut(login)) return [];
      const day = login.changed === 0 ? ["--lastday", "-1"] : [];
      const argv = ["/usr/bin/chage", "--maxdays", "-1", "--inactive", "-1", ...day, "--", osUser];
      const apply = () => runShadowUtility(m, argv);
      return [
        { point: "account-ageing", says: says("disable", "password ageing, since the password is locked"), apply },
      ];
    },
  };
}
