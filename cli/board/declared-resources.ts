/**
 * Computes the resources that the program declares, for the board. It is loaded only when a command needs it, since it
 * loads the Pulumi SDK.
 */

import type { Desired } from "../../roster/model.ts";
import { desiredResources } from "../../stacks/offline/desired-resources.ts";
import { hostsOf, MANAGED, OWNER_LABEL, SITE } from "../../stacks/offline/host-resources.ts";
import type { StackSettings } from "../../config/settings/stack-settings.ts";
import { PROJECT } from "../pulumi.ts";
import type { Wanted } from "./pending-changes.ts";

/** The labels by which its objects are known. */
export const LABELS = { managed: MANAGED, owner: OWNER_LABEL, site: SITE };

/** Everything that a plugin would bring about. @throws Refusal as a run of the program would */
export async function wantedBy(settings: StackSettings, desired: Desired, stack: string): Promise<readonly Wanted[]> {
  // Settings name files as the program finds them, which runs in the project's folder.
  const before = process.cwd();
  process.chdir(PROJECT);
  try {
    const declare = await hostsOf(settings, desired);
    const all = await desiredResources(settings, desired, { stack, declare });
    return all.filter(({ type }) => !OWN_TYPES.test(type));
  } finally {
    process.chdir(before);
  }
}

/** Components and the engine's own; the API server's sign-in is looked at by the deployment alone. */
const OWN_TYPES = /^(workstation|pulumi):/;
