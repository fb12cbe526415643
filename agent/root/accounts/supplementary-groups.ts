/** Adds an account to its groups. It removes it from none, and warns of a group that this host does not have. */

import { type Step, says } from "../../lib/converge.ts";
import type { AccountPart } from "../../contract.ts";
import { groupsOf } from "../system/account-database.ts";
import type { Machine } from "../system/cached-machine.ts";
import { runShadowUtility } from "./shadow-utils.ts";

export function addToGroups(m: Machine, part: AccountPart, warn: (sentence: string) => void): Step {
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
        apply: () => runShadowUtility(m, ["/usr/sbin/usermod", "--append", "--groups", group, "--", part.osUser]),
      }));
    },
  };
}
