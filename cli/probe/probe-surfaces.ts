/**
 * Probes every surface for all offboarded users. A surface that cannot answer makes its own findings `unknown` and no
 * others.
 */

import { ClientError } from "../../clients/client-error.ts";
import { KubernetesError } from "../../clients/kubernetes/client.ts";
import type { StackSettings } from "../../config/settings/stack-settings.ts";
import { clusterOf } from "../stack/cluster-client.ts";
import { forgeOf } from "../stack/forge-client.ts";
import { clusterUnread, lookAtCluster, probeCluster } from "./cluster.ts";
import { probeForge } from "./forge.ts";
import { probeHost } from "./host.ts";
import { type Finding, type OffboardedUser, type PersonReport, notProbed, worst } from "./model.ts";
import type { RecordedAccounts } from "./recorded-accounts.ts";
import { lookAtVault, probeVault } from "./vault.ts";

type Told = ReadonlyMap<string, readonly Finding[]>;

/**
 * @param accounts the forge accounts that deployments recorded
 * @returns in the order of the leavers
 */
export async function probeSurfaces(
  settings: StackSettings,
  leavers: readonly OffboardedUser[],
  accounts: RecordedAccounts = new Map(),
): Promise<readonly PersonReport[]> {
  const gone = leavers.filter(({ everywhere }) => everywhere);
  const told = await Promise.all([
    ofHosts(settings, leavers),
    ofCluster(settings, gone),
    ofVault(settings, gone),
    ofForge(settings, gone, accounts),
  ]);
  return leavers.map(({ osUser, leftOn }) => {
    const findings = told.flatMap((surface) => surface.get(osUser) ?? []);
    return { osUser, leftOn: leftOn ?? null, verdict: worst(findings.map(({ verdict }) => verdict)), findings };
  });
}

async function ofHosts(settings: StackSettings, leavers: readonly OffboardedUser[]): Promise<Told> {
  const answers = await Promise.all(
    settings.hosts.map(async (host) => {
      const there = leavers.filter(({ hosts }) => hosts.includes(host.name));
      const found = there.length === 0 ? new Map<string, readonly Finding[]>() : await probeHost(settings, host, there);
      return { host: host.name, found };
    }),
  );
  const configured = new Set(settings.hosts.map(({ name }) => name));
  const lost = ({ hosts }: OffboardedUser) =>
    hosts
      .filter((name) => !configured.has(name))
      .map((host) => ({ ...notProbed("host", "the stack has no such host any more, so nobody can ask it"), host }));
  return new Map(
    leavers.map((offboarded) => [
      offboarded.osUser,
      [
        ...answers.flatMap(({ host, found }) =>
          (found.get(offboarded.osUser) ?? []).map((finding) => ({ ...finding, host })),
        ),
        ...lost(offboarded),
      ],
    ]),
  );
}

async function ofCluster(settings: StackSettings, gone: readonly OffboardedUser[]): Promise<Told> {
  const call = clusterOf(settings);
  if (call === undefined || settings.cluster === undefined || gone.length === 0) return new Map();
  const unread = (cause: unknown): readonly Finding[] => {
    if (cause instanceof KubernetesError) return [clusterUnread(cause)];
    throw cause;
  };
  try {
    const seen = await lookAtCluster(call, settings.cluster);
    return await eachOf(gone, (offboarded) => probeCluster(call, seen, offboarded).catch(unread));
  } catch (cause) {
    return eachOf(gone, async () => unread(cause));
  }
}

async function ofVault(settings: StackSettings, gone: readonly OffboardedUser[]): Promise<Told> {
  if (gone.length === 0) return new Map();
  try {
    const seen = await lookAtVault(settings);
    if (seen === undefined) return new Map();
    return await eachOf(gone, (offboarded) => probeVault(seen, offboarded).catch(unsaid("vault")));
  } catch (cause) {
    return eachOf(gone, async () => unsaid("vault")(cause));
  }
}

async function ofForge(
  settings: StackSettings,
  gone: readonly OffboardedUser[],
  accounts: RecordedAccounts,
): Promise<Told> {
  const forge = forgeOf(settings);
  if (forge === undefined) return new Map();
  return eachOf(gone, (offboarded) => probeForge(forge, settings, offboarded, accounts).catch(unsaid("forge")));
}

/** A client's error is no answer; a bug stays a bug. */
const unsaid =
  (surface: "vault" | "forge") =>
  (cause: unknown): readonly Finding[] => {
    if (cause instanceof ClientError) return [notProbed(surface, `it could not be asked: ${cause.message}`)];
    throw cause;
  };

/** One person after the other: a probe is in no hurry, and servers are others' too. */
async function eachOf(
  gone: readonly OffboardedUser[],
  ask: (offboarded: OffboardedUser) => Promise<readonly Finding[]>,
): Promise<Told> {
  const findings = new Map<string, readonly Finding[]>();
  for (const offboarded of gone) findings.set(offboarded.osUser, await ask(offboarded));
  return findings;
}
