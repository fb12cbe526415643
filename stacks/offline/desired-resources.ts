/**
 * Works out which resources the program would declare, without an engine and without asking anybody: `./ws import` has to
 * know which of them exist already, and the board compares. The functions of a run compose them, so the two cannot differ.
 */

import type { StackSettings } from "../../config/settings/stack-settings.ts";
import type { Desired, Person } from "../../roster/model.ts";
import { deployCluster } from "../cluster.ts";
import { runsCredentialSync } from "../credential-sync.ts";
import { withFrontendHosts } from "../frontend-hosts.ts";
import { deployForgejo } from "../forgejo.ts";
import { deploySite } from "../stem95su.ts";
import { deployVault } from "../vault.ts";
import { type DesiredResource, recordResources } from "./record-resources.ts";

/** Beyond the surfaces whose objects have names of their own. */
export interface Beyond {
  /** The stack's name, which stands in some of the inputs. */
  readonly stack: string;
  readonly declare: () => Promise<unknown>;
}

/** The surfaces on which objects have names that somebody else may have used before: the cluster, Vault, the forge. */
export const desiredResources = (
  settings: StackSettings,
  desired: Desired,
  { stack, declare }: Beyond = { stack: STACK, declare: async () => undefined },
): Promise<readonly DesiredResource[]> =>
  // The only question of these programs is who else is in the repository.
  recordResources({ stack, answer: NOBODY }, async () => {
    await compose(settings, desired);
    await declare();
  });

/** Nothing is reached: no credentials, no authority's file, no control plane. */
async function compose({ cluster, stem95su, vault, forgejo, devvm }: StackSettings, desired: Desired): Promise<void> {
  if (forgejo !== undefined) {
    await deployForgejo({ ...forgejo, caCertFile: undefined }, PLACEHOLDER, devvm.repositories, desired);
  }
  if (cluster !== undefined) {
    const settings = { ...withFrontendHosts(cluster, devvm), apiServer: undefined };
    const { provider } = await deployCluster(PLACEHOLDER, desired, settings);
    if (stem95su !== undefined) deploySite(provider, stem95su);
  }
  if (vault !== undefined) {
    const syncs = (person: Person) => runsCredentialSync(person, devvm.commands);
    await deployVault({ ...vault, caCertFile: undefined }, PLACEHOLDER, desired, syncs);
  }
}

const NOBODY = { server: "", version: "", collaborators: [], rules: [], effectiveRule: "", writableDeployKeys: [] };
const PLACEHOLDER = "-";
const STACK = "import";
