/** Groups are only ever added; one that this host does not have is a warning. */

import { type Step, says } from "../../step.ts";
import type { AccountPart } from "../../contract.ts";
import { groupsOf } from "../accounts.ts";
import type { Machine } from "../machine.ts";
import { mustUnlock } from "./account-exists.ts";

export function accountGroups(m: Machine, part: AccountPart, warn: (sentence: string) => void): Step {
  const missing = part.groups.filter((group) => !m.accounts().groups.has(group));
  if (missing.length > 0) warn(`this host has no group ${missing.join(", ")}: not added`);
  return {
    name: "groups",
    differences: () => {
      const { users, groups } = m.accounts();
      const user = users.get(part.osUser);
      if (user === undefined) return [];
      const inNow = new Set(groupsOf(m.accounts(), user));
      const add = part.groups.filter((group) => groups.has(group) && !inNow.has(group));
      return add.map((group) => ({
        point: "account-groups" as const,
        says: says("add", `to group ${group}`),
        apply: () => mustUnlock(m, ["/usr/sbin/usermod", "--append", "--groups", group, "--", part.osUser]),
      }));
    },
  };
}
