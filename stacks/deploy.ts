/** Deploys the stack as a whole: decides about everybody first, then declares the resources surface by surface. */

import * as pulumi from "@pulumi/pulumi";
import type { Derivation } from "../roster/derive/derive.ts";
import { writeLedger } from "../roster/ledger.ts";
import type { HostName } from "../roster/model.ts";
import { adoptedNamespaces, readAdoption } from "../config/adoption-file.ts";
import { buildAgent } from "./agent-bundle.ts";
import { deployCluster } from "./cluster.ts";
import { runsCredentialSync } from "./credential-sync.ts";
import { surfacesOf, today } from "../config/desired-state.ts";
import { deployHosts } from "./devvm.ts";
import { takeOver } from "./import-adopted.ts";
import { deployForgejo } from "./forgejo.ts";
import { formerBindingNamespaces } from "../config/former-bindings.ts";
import { requiredSecret } from "../config/required-secret.ts";
import { userMapFromVault } from "../config/vault-user-map.ts";
import {
  FORMER_BINDINGS_OUTPUT,
  LEDGER_OUTPUT,
  SERVICES_OUTPUT,
  UNDELIVERED_OUTPUT,
  USER_MAP_VERSION_OUTPUT,
} from "../config/previous-run.ts";
import { offeredServices } from "../config/offered-services.ts";
import { withoutSurface } from "../roster/undelivered-changes.ts";
import { readPreviousRun } from "./stack-outputs.ts";
import { trackSurfaces } from "./track-surfaces.ts";
import { announce, decide } from "./log-plan.ts";
import { unreachableHosts } from "./unreachable-hosts.ts";
import type { StackSettings } from "../config/settings/stack-settings.ts";
import { siteOfHosts } from "./host-settings.ts";
import { deploySite } from "./stem95su.ts";
import { withFrontendHosts } from "./frontend-hosts.ts";
import { objectsInState, type ObjectsInState } from "./objects-in-state.ts";
import { refuseExistingObjects } from "./refuse-existing-objects.ts";
import { labelledObjects, revertAdditions } from "./revert-additions.ts";
import { checkCluster } from "./preflight/check-cluster.ts";
import { deployVault } from "./vault.ts";

/**
 * Declares everything and returns the stack's outputs.
 * @throws Refusal before anything is declared
 */
export async function deploy(settings: StackSettings): Promise<Record<string, unknown>> {
  const previousRun = await readPreviousRun();
  const userMap = await userMapFromVault(settings, previousRun, { preview: pulumi.runtime.isDryRun() });
  const { ledger, undelivered, services } = previousRun;
  const decided = await decide(settings, { ledger, undelivered, services, today: today(), userMap });
  const { desired } = decided;
  const { cluster, kubeconfig, vault, vaultToken, forgejo, forgejoPassword, stem95su } = settings;
  const access = cluster && requiredSecret(kubeconfig, "kubeconfig", "cluster");
  const adoption = readAdoption(settings);
  const handedOver = adoptedNamespaces(adoption);
  const formerBindings = new Set(await formerBindingNamespaces(settings, previousRun));
  const surroundings =
    cluster && access !== undefined
      ? await checkCluster(access, desired, cluster, { handedOver, formerBindings })
      : undefined;
  const inState: ObjectsInState = access === undefined ? new Map() : await objectsInState();
  const labelled =
    access !== undefined && surroundings?.isKnown === true ? await labelledObjects(access, inState) : new Map();
  const site = await siteOfHosts(settings);
  const agent = await buildAgent();
  await announce(decided);
  for (const warning of surroundings?.warnings ?? []) await pulumi.log.warn(warning);
  for (const note of surroundings?.notes ?? []) await pulumi.log.info(note);

  const outputs = {
    [LEDGER_OUTPUT]: writeLedger(desired.ledger),
    [SERVICES_OUTPUT]: offeredServices(settings),
    [FORMER_BINDINGS_OUTPUT]: [...formerBindings],
    ...(userMap?.isRead === true ? { [USER_MAP_VERSION_OUTPUT]: userMap.version } : {}),
  };
  const ofStack = surfacesOf(settings);
  // A preview shows the outputs of a run that succeeds.
  const record = pulumi.runtime.isDryRun() ? ofStack.reduce(withoutSurface, decided.undelivered) : decided.undelivered;
  const surfaces = trackSurfaces(record, ofStack, outputs);
  const down = await unreachableHosts(settings.hosts);
  for (const [host, why] of down) await pulumi.log.warn(pendingOn(host as HostName, why, decided));
  if (access !== undefined && surroundings?.isKnown === true) {
    // First, while the metadata are plain values.
    revertAdditions(labelled, inState);
    refuseExistingObjects(access, inState, adoption);
  }
  const unmet = adoption && takeOver(adoption, access, inState);
  const forge =
    forgejo &&
    (await deployForgejo(
      forgejo,
      requiredSecret(forgejoPassword, "forgejoPassword", "forgejo"),
      settings.devvm.repositories,
      desired,
    ));
  surfaces.declared("forge");
  const [inCluster, inVault] = await Promise.all([
    cluster && access !== undefined
      ? deployCluster(access, desired, withFrontendHosts(cluster, settings.devvm), {
          formerBindings,
          signInDrift: surroundings?.signInDrift ?? "",
        }).then((deployed) => {
          if (stem95su) deploySite(deployed.provider, stem95su);
          surfaces.declared("cluster");
          return deployed;
        })
      : undefined,
    vault
      ? deployVault(vault, requiredSecret(vaultToken, "vaultToken", "vault"), desired, (person) =>
          runsCredentialSync(person, settings.devvm.commands),
        ).then((deployed) => {
          surfaces.declared("Vault");
          return deployed;
        })
      : undefined,
  ]);
  const cuts = [...(forge?.cuts ?? []), ...(inCluster?.cuts ?? []), ...(inVault?.cuts ?? [])];
  const credentials = forge?.credentials ?? new Map();
  const declared = (host: string) => surfaces.declared(`host ${host}`);
  const secrets = { credentials, vaultTokens: inVault?.tokens ?? new Map() };
  await deployHosts({ settings, desired, site, agent, ...secrets, cuts, down: new Set(down.keys()), declared });
  for (const sentence of unmet?.() ?? []) await pulumi.log.warn(sentence);
  // Resolves once the engine has answered for each of them, and never where one fails: then the next run declares them again.
  const emptied = pulumi.all((inCluster?.formerBindings ?? []).map(({ urn }) => urn)).apply(() => []);
  return { ...outputs, [UNDELIVERED_OUTPUT]: surfaces.undelivered, [FORMER_BINDINGS_OUTPUT]: emptied };
}

/** The run goes on everywhere else, and fails at this host in the end. */
function pendingOn(host: HostName, why: string, { changes, repeated, desired }: Derivation): string {
  const losing = [...changes, ...repeated].flatMap(({ who, lost }) =>
    lost.length > 0 && desired.ledger.people.get(who)?.hosts.includes(host) ? [who] : [],
  );
  const leaving = [...new Set(losing)];
  const cut =
    leaving.length === 0 ? "" : ` Revoked on all other surfaces; pending on this host: ${leaving.join(", ")}.`;
  return (
    `${host} does not answer (${why}): what is meant for it waits for the next deployment that reaches it.${cut} ` +
    "Run `./ws probe` to see remaining access."
  );
}
