/** The stack as a whole: decide about everybody first, then declare surface by surface what carries it out. */

import * as pulumi from "@pulumi/pulumi";
import { writeLedger } from "../roster/ledger.ts";
import { buildAgent } from "./agent-bundle.ts";
import { deployCluster } from "./cluster.ts";
import { LEDGER_OUTPUT, today } from "./decision.ts";
import { deployHosts } from "./devvm.ts";
import { deployForgejo } from "./forgejo.ts";
import { readMemory, USER_MAP_VERSION_OUTPUT } from "./memory.ts";
import { announce, decide } from "./people.ts";
import { Refusal } from "./refusal.ts";
import type { StackSettings } from "./settings/index.ts";
import { siteOfHosts } from "./site-of-hosts.ts";
import { deploySite } from "./stem95su.ts";
import { checkCluster } from "./surroundings/check.ts";
import { readUserMap, type UserMapText } from "./user-map.ts";
import { caOf, deployVault } from "./vault.ts";

/**
 * Declares everything and returns the stack's outputs.
 * @throws Refusal before anything is declared
 */
export async function deploy(settings: StackSettings): Promise<Record<string, unknown>> {
  const memory = await readMemory();
  const userMap = await userMapOf(settings, memory.userMapVersion);
  const decided = await decide(settings, { ledger: memory.ledger, today: today(), userMap });
  const { desired } = decided;
  const { cluster, kubeconfig, vault, vaultToken, forgejo, forgejoPassword, stem95su } = settings;
  const access = cluster && given(kubeconfig, "kubeconfig", "cluster");
  const surroundings = cluster && access !== undefined ? await checkCluster(access, desired, cluster) : undefined;
  const site = await siteOfHosts(settings);
  const agent = await buildAgent();
  await announce(decided);
  for (const warning of surroundings?.warnings ?? []) await pulumi.log.warn(warning);
  for (const note of surroundings?.notes ?? []) await pulumi.log.info(note);

  deployHosts(settings, desired, site, agent);
  if (cluster && access !== undefined) {
    const provider = deployCluster(access, desired, cluster, surroundings?.signInDrift);
    if (stem95su) deploySite(provider, stem95su);
  }
  if (vault) deployVault(vault, given(vaultToken, "vaultToken", "vault"), desired);
  if (forgejo) {
    await deployForgejo(
      forgejo,
      given(forgejoPassword, "forgejoPassword", "forgejo"),
      settings.devvm.repositories,
      desired,
    );
  }
  return {
    [LEDGER_OUTPUT]: writeLedger(desired.ledger),
    ...(userMap?.known === true ? { [USER_MAP_VERSION_OUTPUT]: userMap.version } : {}),
  };
}

async function userMapOf(
  { vault, vaultToken }: StackSettings,
  seenVersion: number | undefined,
): Promise<UserMapText | undefined> {
  if (vault === undefined) return undefined;
  const { caCert } = caOf(vault);
  return readUserMap(
    {
      settings: vault,
      token: given(vaultToken, "vaultToken", "vault"),
      ...(caCert === undefined ? {} : { ca: caCert }),
    },
    { preview: pulumi.runtime.isDryRun(), ...(seenVersion === undefined ? {} : { seenVersion }) },
  );
}

/** The secret that goes with a section. */
function given(secret: string | undefined, name: string, section: string): string {
  if (secret !== undefined) return secret;
  throw new Refusal(
    `workstation:${section} is configured and workstation:${name} is not: the program cannot sign in there. ` +
      `Set it by \`pulumi config set --secret ${name}\`, or take the section out. Nothing was changed.`,
  );
}
