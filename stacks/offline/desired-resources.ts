/**
 * What the program would declare, worked out without an engine and without asking anybody: for `./ws import`, which has
 * to know which of it is there already, and for the board, which compares. The same functions as in a run compose it, so
 * that the two cannot differ.
 */

import * as pulumi from "@pulumi/pulumi";
import type { Desired } from "../../roster/model.ts";
import { deployCluster } from "../cluster.ts";
import { deployForgejo } from "../forgejo.ts";
import type { StackSettings } from "../../config/settings/stack-settings.ts";
import { deploySite } from "../stem95su.ts";
import { deployVault } from "../vault.ts";

/** One resource with its inputs as its provider would get them; what is secret in them is wrapped or empty. */
export interface Declared {
  readonly type: string;
  readonly name: string;
  readonly inputs: Readonly<Record<string, unknown>>;
}

/** What is declared beyond the surfaces that have names of their own. */
export interface Besides {
  /** The stack's name, which stands in some of the inputs. */
  readonly stack: string;
  readonly declare: () => Promise<unknown>;
}

/** The surfaces on which things have names that somebody else may have used before: the cluster, Vault, the forge. Once a process. */
export async function declaredBy(
  settings: StackSettings,
  desired: Desired,
  { stack, declare }: Besides = { stack: STACK, declare: async () => undefined },
): Promise<readonly Declared[]> {
  const found: Declared[] = [];
  const mocks: pulumi.runtime.Mocks = {
    // The only question of these programs is who else is in the repository.
    call: () => ({ ...NOBODY }),
    newResource: ({ type, name, inputs }) => {
      found.push({ type, name, inputs });
      return { id: name, state: inputs };
    },
  };
  await pulumi.runtime.setMocks(mocks, PROJECT, stack, true);
  await compose(settings, desired);
  await declare();
  await pulumi.runtime.disconnect();
  return found;
}

/** Nothing is reached: no credentials, no authority's file, no control plane. */
async function compose({ cluster, stem95su, vault, forgejo, devvm }: StackSettings, desired: Desired): Promise<void> {
  if (forgejo !== undefined) {
    await deployForgejo({ ...forgejo, caCertFile: undefined }, PLACEHOLDER, devvm.repositories, desired);
  }
  if (cluster !== undefined) {
    const { provider } = await deployCluster(PLACEHOLDER, desired, { ...cluster, apiServer: undefined });
    if (stem95su !== undefined) deploySite(provider, stem95su);
  }
  if (vault !== undefined) await deployVault({ ...vault, caCertFile: undefined }, PLACEHOLDER, desired);
}

const NOBODY = { server: "", version: "", collaborators: [], rules: [], effectiveRule: "", writableDeployKeys: [] };
const PLACEHOLDER = "-";
const PROJECT = "workstation";
const STACK = "import";
