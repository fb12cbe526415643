/**
 * Collects the board of a stack: the decisions, the resources of the last deployments, and the present state of every
 * surface.
 */

import { readDeploymentMessage } from "../../roster/deployment-message.ts";
import type { StackSettings } from "../../config/settings/stack-settings.ts";
import { nameOf, type StackSelection, stateOf, type Update, updatesOf } from "../pulumi.ts";
import { clusterOf } from "../stack/cluster-client.ts";
import { onHost } from "../../clients/ssh/run-command.ts";
import { decideOn, openStack } from "../stack/open-stack.ts";
import { vaultOf } from "../stack/vault-client.ts";
import { clusterFindings, selectorOf } from "./cluster.ts";
import { boardOf, surfacesOf } from "./merge-findings.ts";
import type { Finding } from "./finding.ts";
import { hostFindings } from "./hosts.ts";
import type { Board, Surface } from "./model.ts";
import { pendingFindings } from "./pending-changes.ts";
import { type DeployedState, readState, type DeployedResource } from "../stack/deployed-resources.ts";
import { type SyncState, syncOf } from "./stem95su-site.ts";
import { isOfOffboardedUser, vaultFindings } from "./vault.ts";
import { type Register, registerOf } from "./resource-owner.ts";
import { refusedSignIns } from "./refused-sign-ins.ts";
import { cleaner } from "./sanitize-text.ts";

/** @throws PulumiError, or Refusal where nothing can be decided: then there is no board */
export async function collectBoard(selection: StackSelection): Promise<Board> {
  const [stack, opened, exported, updates] = await Promise.all([
    nameOf(selection),
    openStack(selection),
    stateOf(selection),
    updatesOf(selection, RECENT),
  ]);
  const [decided, program] = await Promise.all([decideOn(opened), import("./declared-resources.ts")]);
  const { settings } = opened;
  const memory = readState(exported);
  const register = registerOf(decided.desired, program.LABELS);
  const wanted = await program.wantedBy(settings, decided.desired, stack);
  const [asked, sync, refused, hosts] = await Promise.all([
    askServers(settings, memory, register, program.LABELS),
    askSite(settings, program.LABELS.site),
    refusedSignIns(settings, onHost, new Date()),
    Promise.all(
      settings.hosts.map(
        async (host) =>
          [
            host.name,
            await hostFindings(
              host.name,
              (command) => onHost(settings, host, command),
              [...memory.resources.values()],
              register,
            ),
          ] as const,
      ),
    ),
  ]);
  return boardOf(
    {
      stack,
      takenAt: new Date().toISOString(),
      lastDeployment: deploymentOf(updates),
      decided,
      notices: [...decided.notices, ...refused, ...hosts.flatMap(([, { notices }]) => notices)],
      memory,
      register,
      wanted,
      surfaces: surfacesOf({
        cluster: settings.cluster,
        vault: settings.vault,
        forge: settings.forgejo,
        site: settings.stem95su,
      }),
      findings: [
        ...pendingFindings(wanted, memory, register),
        ...asked,
        ...sync.findings,
        ...hosts.flatMap(([, { findings }]) => findings),
      ],
      siteSyncedAt: sync.syncedAt,
      deliveries: new Map(hosts.map(([name, { deliveredAt }]) => [name, deliveredAt])),
    },
    cleaner(opened.secrets),
  );
}

/** A refresh or two may lie between now and the last deployment. */
const RECENT = 20;

function deploymentOf(updates: readonly Update[]): Board["lastDeployment"] {
  const last = updates.find(({ kind }) => kind === "update");
  if (last === undefined) return undefined;
  const commit = last.environment["git.head"];
  const pusher = readDeploymentMessage(last.message, commit)?.pusher;
  return {
    endedAt: last.endTime,
    result: last.result,
    ...(commit === undefined ? {} : { commit }),
    ...(pusher === undefined ? {} : { pusher }),
  };
}

interface LabelsOfProgram {
  readonly managed: Readonly<Record<string, string>>;
  readonly owner: string;
  readonly site: string;
}

async function askServers(
  settings: StackSettings,
  { resources }: DeployedState,
  register: Register,
  labels: LabelsOfProgram,
): Promise<readonly Finding[]> {
  const made = (prefix: string) => [...resources.values()].filter(({ type }) => type.startsWith(prefix));
  const guarded = (surface: Surface, ask: () => Promise<readonly Finding[]>) =>
    unknownWhere(surface, register, made, ask);
  const found = await Promise.all([
    guarded("cluster", async () => {
      const call = clusterOf(settings);
      if (call === undefined) return [];
      return clusterFindings(call, made("kubernetes:"), register, selectorOf(labels.managed));
    }),
    guarded("vault", async () => {
      const call = vaultOf(settings);
      if (call === undefined) return [];
      const present = made("vaultpeople:").filter((one) => !isOfOffboardedUser(one));
      const { providerFindings, vaultProvider } = await import("./provider-findings.ts");
      return [
        ...(await vaultFindings(call, made("vault"), register)),
        ...(await providerFindings(await vaultProvider(settings), present, register)),
      ];
    }),
    guarded("forge", async () => {
      if (settings.forgejo === undefined) return [];
      const { forgeProvider, providerFindings } = await import("./provider-findings.ts");
      return providerFindings(await forgeProvider(settings, settings.forgejo), made("forgejo:"), register);
    }),
  ]);
  return found.flat();
}

/** A kubeconfig that cannot be used is said once, by the cluster's own rows. */
async function askSite(settings: StackSettings, namespace: string): Promise<SyncState> {
  const { stem95su } = settings;
  if (stem95su === undefined) return { findings: [] };
  try {
    const call = clusterOf(settings);
    return call === undefined ? { findings: [] } : await syncOf(call, namespace, stem95su.alertAfterMinutes);
  } catch (cause) {
    return { findings: [{ whose: "site", surface: "site", state: "unknown", what: (cause as Error).message }] };
  }
}

const PREFIXES: Readonly<Record<Exclude<Surface, "host" | "site">, string>> = {
  cluster: "kubernetes:",
  vault: "vault",
  forge: "forgejo:",
};

/** What could not even be asked is unknown for everybody who has something there. */
async function unknownWhere(
  surface: Surface,
  register: Register,
  made: (prefix: string) => readonly DeployedResource[],
  ask: () => Promise<readonly Finding[]>,
): Promise<readonly Finding[]> {
  try {
    return await ask();
  } catch (cause) {
    const prefix = surface === "host" || surface === "site" ? "" : PREFIXES[surface];
    const what = (cause as Error).message;
    const rows = new Map(
      made(prefix).map(({ type, inputs }) => [JSON.stringify(register.of(type, inputs)), register.of(type, inputs)]),
    );
    return [...rows.values()].map((owner) => {
      return { whose: owner, surface: owner === "site" ? "site" : surface, state: "unknown", what };
    });
  }
}
