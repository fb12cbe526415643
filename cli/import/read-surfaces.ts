/** Reads every surface of a stack as it is, once. One that does not answer ends the import with its name. */

import { userMapFromVault } from "../../config/vault-user-map.ts";
import { loadUserMap } from "../../roster/user-map.ts";
import { renderProblem } from "../../roster/render-problem.ts";
import { Refusal } from "../../config/refusal.ts";
import type { StackSettings } from "../../config/settings/stack-settings.ts";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { PROJECT } from "../pulumi.ts";
import { clusterOf } from "../stack/cluster-client.ts";
import { forgeOf } from "../stack/forge-client.ts";
import { vaultOf } from "../stack/vault-client.ts";
import type { Surfaces } from "./existing-resources.ts";
import { type HomeState, type HostState, readHome, readHost } from "./read-host.ts";
import type { Observed } from "./observed-people.ts";
import { mapEntries, type MapEntry, readCluster, readForge, readVault, type VaultState } from "./read-services.ts";

export interface Gathered {
  readonly seen: Observed;
  readonly vault: VaultState;
  readonly surfaces: Surfaces;
}

/**
 * @param hosts names of those to look at; all where empty
 * @param vaultToken another one than the program's
 * @throws UnreadableSurface, Refusal, or what a surface's client throws, each naming what could not be read
 */
export async function gather(
  settings: StackSettings,
  hosts: readonly string[],
  vaultToken?: string,
): Promise<Gathered> {
  const selected = settings.hosts.filter(({ name }) => hosts.length === 0 || hosts.includes(name));
  const seenHosts: HostState[] = [];
  const homes = new Map<string, HomeState>();
  for (const host of selected) {
    const seen = await readHost(settings, host);
    seenHosts.push(seen);
    const named = new Set([...seen.terminalMap.values(), ...[...seen.dispatch.values()].map(({ osUser }) => osUser)]);
    for (const account of seen.accounts.filter(({ name, unfit }) => unfit === undefined && named.has(name)))
      homes.set(`${host.name}/${account.name}`, await readHome(settings, host, account));
  }
  const surfaces: Surfaces = {
    cluster: clusterOf(settings),
    vault: vaultOf(settings, vaultToken),
    forge: forgeOf(settings),
  };
  const { repositories } = settings.devvm;
  const seen: Observed = {
    hosts: seenHosts,
    homes,
    userMap: await userMapOf(settings),
    ...(surfaces.cluster === undefined ? {} : { cluster: await readCluster(surfaces.cluster) }),
    members: surfaces.forge === undefined ? [] : await readForge(surfaces.forge, repositories),
    owner: repositories.owner,
    infra: repositories.infra,
  };
  const vault = surfaces.vault === undefined ? { policies: [], entities: [] } : await readVault(surfaces.vault);
  return { seen, vault, surfaces };
}

async function userMapOf(settings: StackSettings): Promise<ReadonlyMap<string, MapEntry>> {
  const fromVault = await userMapFromVault(settings, { ledger: undefined }, { preview: false, folder: PROJECT });
  const { userMapFile } = settings;
  if (fromVault?.isRead === true) return checked(fromVault.text, fromVault.file);
  return userMapFile === undefined
    ? new Map()
    : checked(readFileSync(resolve(PROJECT, userMapFile), "utf8"), userMapFile);
}

function checked(source: Uint8Array | string, file: string): ReadonlyMap<string, MapEntry> {
  const text = typeof source === "string" ? source : Buffer.from(source).toString("utf8");
  const loaded = loadUserMap(text, file);
  if (loaded.ok) return mapEntries(text);
  throw new Refusal(loaded.problems.map(renderProblem).join("\n"));
}
