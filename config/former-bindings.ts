/**
 * Finds the tenant namespaces whose bindings of an earlier version may still admit accounts. Earlier versions gave each the
 * RoleBindings `dashboard` and `deployer`; the first run of this one empties them, and the next one deletes them.
 */

import { ledgerBefore, today } from "./desired-state.ts";
import type { PreviousRun } from "./previous-run.ts";
import type { StackSettings } from "./settings/stack-settings.ts";

/** @throws Refusal when the ledger cannot be understood */
export async function formerBindingNamespaces(
  settings: StackSettings,
  { ledger, formerBindings }: PreviousRun,
): Promise<readonly string[]> {
  if (settings.cluster === undefined || ledger === undefined) return [];
  if (formerBindings !== undefined) return formerBindings;
  const { people } = await ledgerBefore(settings, { ledger, today: today() });
  const owned = [...people.values()].flatMap(({ namespaces, formerNamespaces }) => [
    ...namespaces,
    ...formerNamespaces,
  ]);
  return [...new Set(owned)].sort();
}
