/** Lists what systemd should have for the rights of a person's units: whom they run as, and what of the host they reach. Pure. */

import type { UnitsPart } from "../../contract.ts";
import type { Rule } from "./compare-properties.ts";
import { BROWSER_UNIT, instance, T3_UNIT, TERMINAL_SERVICE } from "./unit-names.ts";

/** What the templates decide, and a drop-in for one unit or for all services of the host (`service.d`) may change. */
export function rightsOf(part: UnitsPart): ReadonlyMap<string, readonly Rule[]> {
  const { osUser, uid } = part;
  const user = is("User", osUser);
  const isAdmin = part.gainsPrivileges === true;
  return new Map([
    [instance(T3_UNIT, osUser), [user, is("NoNewPrivileges", isAdmin ? "no" : "yes"), SHARED_TMP, OPEN_HOME]],
    [instance(BROWSER_UNIT, osUser), [user, is("NoNewPrivileges", "yes"), OPEN_HOME]],
    [instance(TERMINAL_SERVICE, osUser), [user, SHARED_TMP, OPEN_HOME]],
    // Its user is the person whatever is set: systemd names it by the uid.
    [`user@${uid}.service`, [...(isAdmin ? [is("NoNewPrivileges", "no")] : []), SHARED_TMP, OPEN_HOME]],
  ]);
}

const is = (key: string, expected: string): Rule => ({
  key,
  expected,
  holds: (shown) => ["", expected].includes(shown),
});

/** The sockets of tmux servers lie in `/tmp`. */
const SHARED_TMP = is("PrivateTmp", "no");
const OPEN_HOME = is("ProtectHome", "no");
