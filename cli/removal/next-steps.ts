/** Lists the commands that the operator runs after a removal, so that the program learns of it. */

import type { StackSettings } from "../../config/settings/stack-settings.ts";
import type { RemovableUser } from "./check-roster-and-ledger.ts";

/** Lines to follow in their order. */
export function nextSteps({ removed, cluster }: StackSettings, { who, entry }: RemovableUser): readonly string[] {
  const rooms = cluster === undefined ? [] : [...entry.namespaces, ...entry.formerNamespaces];
  const setting = removed.includes(who)
    ? []
    : [`  pulumi config set --path 'workstation:removed[${removed.length}]' ${who}`];
  return [
    "Now tell the stack, commit its file, and deploy; nothing of theirs is touched by that:",
    ...rooms.map(
      (namespace) =>
        `  pulumi state unprotect --yes "$(pulumi stack --show-urns | grep -o 'urn:[^ ]*::tenant-${namespace}$' | grep core/v1:Namespace)"`,
    ),
    ...setting,
    "  pulumi up",
  ];
}
