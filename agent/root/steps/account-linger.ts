/** Sessions outlive the last logout: the panes belong to their person's service manager, which would end with it. */

import { type Step, says } from "../../step.ts";
import type { AccountPart } from "../../contract.ts";
import type { Machine } from "../machine.ts";
import { must } from "../system.ts";
import { lingerFile } from "./processes.ts";

/** For everybody who is present (spec, section 6); the cut takes it away again. */
export function accountLinger(m: Machine, part: AccountPart): Step {
  return {
    name: "linger",
    differences: () => {
      const there = m.accounts().users.has(part.osUser);
      if (!there || m.sys.look(lingerFile(part.osUser)) !== undefined) return [];
      const apply = async () => void (await must(m.sys, ["/usr/bin/loginctl", "enable-linger", part.osUser]));
      const what = "lingering, so that their sessions outlive their last login";
      return [{ point: "account-linger", says: says("start", what), apply }];
    },
  };
}
