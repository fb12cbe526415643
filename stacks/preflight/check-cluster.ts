/** Checks the cluster before anything is declared: what must not be touched stops the run, the rest is logged. */

import * as pulumi from "@pulumi/pulumi";
import { authenticationText } from "../../components/cluster/api-server/authentication.ts";
import { KUBEADM } from "../../components/cluster/api-server/program/contract.ts";
import { signInFile } from "../../components/cluster/api-server/program/file-name.ts";
import type { Desired } from "../../roster/model.ts";
import { KubernetesError } from "../../clients/kubernetes/client.ts";
import { Refusal } from "../../config/refusal.ts";
import type { ClusterSettings } from "../../config/settings/cluster.ts";
import { tokenIssuers } from "../token-issuers.ts";
import { foreignBindings, obstaclesOfTakeover } from "./unmanaged-bindings.ts";
import { type ClusterFacts, readFacts } from "./cluster-snapshot.ts";
import { foreignNamespaces, isMade } from "./unmanaged-namespaces.ts";
import { quotaSums, tooSmallQuotas } from "./quotas.ts";
import { readerOf } from "./read-api.ts";
import { aggregatedWriters, openStores } from "./secret-stores.ts";
import { type Tenancy, tenanciesOf } from "./namespace-owners.ts";

/** What the run has to know of the cluster as it is. */
export interface Surroundings {
  /** False for a preview where the cluster did not answer. */
  readonly isKnown: boolean;
  readonly warnings: readonly string[];
  readonly notes: readonly string[];
  /** What of the API servers' sign-in is not as it should be; empty when all is well or nothing is set up there. */
  readonly signInDrift: string;
}

/** Namespaces in which the cluster may hold what this program would not have made. */
export interface KnownNamespaces {
  /** Those that the operator has named for adoption, regardless of who made them. */
  readonly handedOver?: ReadonlySet<string>;
  /** Those with bindings of an earlier version, which this run empties. */
  readonly formerBindings?: ReadonlySet<string>;
}

/**
 * @throws Refusal that names everything which must be settled first. A cluster that cannot be read stops an update; a
 * preview goes on and says so.
 */
export async function checkCluster(
  kubeconfig: string,
  desired: Desired,
  settings: ClusterSettings,
  known: KnownNamespaces = {},
): Promise<Surroundings> {
  try {
    return judge(await readFacts(readerOf(kubeconfig)), desired, settings, known);
  } catch (cause) {
    if (!(cause instanceof KubernetesError)) throw cause;
    if (!pulumi.runtime.isDryRun()) {
      throw new Refusal(`The cluster could not be looked at, so nothing was changed: ${cause.message}.`);
    }
    const warning = `The cluster could not be looked at; an update would stop here: ${cause.message}.`;
    return { isKnown: false, warnings: [warning], notes: [], signInDrift: "" };
  }
}

/** @throws Refusal. Pure: what is found depends on what is handed in alone. */
export function judge(
  facts: ClusterFacts,
  desired: Desired,
  settings: ClusterSettings,
  { handedOver = new Set(), formerBindings = new Set() }: KnownNamespaces = {},
): Surroundings {
  const tenancies = tenanciesOf(desired);
  const wrong = [
    ...ownPlace(tenancies, settings),
    ...foreignNamespaces(tenancies, facts, handedOver),
    ...tooSmallQuotas(tenancies, facts),
    ...obstaclesOfTakeover(facts, formerBindings),
  ];
  const stores = judgeStores(facts, tenancies, settings);
  const all = [...wrong, ...stores.wrong];
  if (all.length > 0)
    throw new Refusal(["Nothing was changed in the cluster:", ...all.map((line) => `  ${line}.`)].join("\n"));
  return {
    isKnown: true,
    warnings: [
      ...stores.warnings,
      ...foreignBindings(tenancies, facts, { isSuspended: settings.plantedRights === "suspend", formerBindings }),
    ],
    notes: quotaSums(tenancies),
    signInDrift: driftOf(facts, settings),
  };
}

/** The owner of the dashboard's namespace could read everybody's token there. */
const ownPlace = (tenancies: readonly Tenancy[], { dashboard, portalMap }: ClusterSettings): readonly string[] =>
  tenancies
    .filter(({ namespace }) => namespace === dashboard?.namespace || namespace === portalMap?.namespace)
    .map(
      ({ osUser, namespace }) =>
        `${osUser}: ${namespace} is the platform's own namespace and nobody's; choose another name`,
    );

/** The brake is on new namespaces: nobody keeps rights because somebody else's could not be given. */
function judgeStores(facts: ClusterFacts, tenancies: readonly Tenancy[], settings: ClusterSettings) {
  const accepted = settings.acceptedSecretStores;
  const open = openStores(tenancies, facts).filter(({ store }) => !accepted.includes(store));
  const writers = aggregatedWriters(facts);
  const admitted = tenancies.filter(({ admit }) => admit !== undefined);
  const fresh = admitted
    .filter(({ namespace }) => !isMade(namespace, facts))
    .map(({ namespace }) => namespace as string);
  const wrong = open.flatMap(({ store, namespaces }) => {
    const handedOut = namespaces.filter((namespace) => fresh.includes(namespace));
    if (writers.length === 0 || handedOut.length === 0) return [];
    return [
      `${handedOut.join(", ")}: an admin there could read and write all that the ClusterSecretStore ${store} ` +
        `opens (${writers.join(", ")} gives them that right). Give the store spec.conditions that leave tenants out, or ` +
        `put ${store} into workstation:cluster.acceptedSecretStores when its role in Vault opens nothing of anybody's`,
    ];
  });
  const warnings = open.map(
    ({ store, namespaces }) =>
      `The ClusterSecretStore ${store} can be used from tenants' namespaces: ${namespaces.join(", ")}.`,
  );
  return { wrong, warnings };
}

function driftOf({ apiServers }: ClusterFacts, { apiServer }: ClusterSettings): string {
  if (apiServer === undefined) return "";
  const flag = `--authentication-config=${signInFile(KUBEADM.folder, authenticationText(tokenIssuers(apiServer)))}`;
  const without = apiServers
    .filter(({ command }) => !command.includes(flag))
    .map(({ name, uid }) => `${name} (${uid})`);
  return without.length === 0 ? "" : `without the sign-in: ${without.sort().join(", ")}`;
}
