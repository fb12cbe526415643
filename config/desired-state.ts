/**
 * Computes the desired state of everybody from the files that the settings name, the ledger and the user map. It speaks
 * to no engine, so that the program and `./ws plan` decide alike.
 */

import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { type Derivation, derive } from "../roster/derive/derive.ts";
import { EMPTY_LEDGER, loadLedger } from "../roster/ledger.ts";
import { loadRoster } from "../roster/load.ts";
import type { Day, HostName, Ledger, Policy, Problem, UserMap } from "../roster/model.ts";
import { checkPolicy, DEFAULT_POLICY } from "../roster/policy-defaults.ts";
import { renderProblem } from "../roster/render-problem.ts";
import { fieldsWithoutSurface } from "../roster/rules/fields-without-surface.ts";
import { ALL_DELIVERED, loadUndelivered, type Surface, type Undelivered } from "../roster/undelivered-changes.ts";
import { loadUserMap } from "../roster/user-map.ts";
import { endedServices } from "./offered-services.ts";
import { Refusal } from "./refusal.ts";
import type { StackSettings } from "./settings/stack-settings.ts";
import type { UserMapText } from "./vault-user-map.ts";

/** What the decision starts from, beside the settings. */
export interface RunInputs {
  /** The ledger as the last run wrote it; undefined for a stack that never ran. */
  readonly ledger: unknown;
  /** What the last run left undelivered, as it wrote it; undefined where nothing is known of that. */
  readonly undelivered?: unknown;
  /** Services that the last run offered; undefined where nothing is known of that. */
  readonly services?: readonly string[] | undefined;
  readonly today: Day;
  /** From Vault; undefined where the stack reads it from a file or not at all. */
  readonly userMap?: UserMapText | undefined;
  /** The project's folder, where files that the settings name are looked for. Default: the working directory. */
  readonly folder?: string;
}

/**
 * Brakes that are on stand in the result: whoever would write must stop at them.
 * @throws Refusal with every problem of the roster, or of the user map, or of the ledger
 */
export async function computeDesiredState(settings: StackSettings, inputs: RunInputs): Promise<Derivation> {
  const policy = policyOf(settings);
  const wrong = checkPolicy(policy);
  if (wrong.length > 0) throw new Refusal(`The configuration of this stack contradicts itself: ${wrong.join("; ")}.`);
  const loaded = await rosterOf(settings, inputs);
  const derived = derive({
    roster: loaded.roster,
    policy,
    today: inputs.today,
    userMap: await userMapOf(settings, inputs),
    ledger: await pastOf(settings, inputs),
    undelivered: undeliveredBefore(inputs.undelivered),
    surfaces: surfacesOf(settings),
  });
  if (!derived.ok) return refuse(derived.problems);
  const idle = fieldsWithoutSurface(loaded.roster, surfacesOf(settings));
  return {
    ...derived,
    plan: [...derived.plan, ...endedServices(settings, inputs.services, derived.desired.people.size)],
    warnings: [...loaded.warnings, ...idle, ...derived.warnings],
  };
}

/** The stack's roster, checked. @throws Refusal with every problem of it */
export async function rosterOf(settings: StackSettings, inputs: Pick<RunInputs, "folder">) {
  const text = await readOrRefuse(settings.roster, "the roster", "roster", inputs);
  const loaded = loadRoster(text, settings.roster, policyOf(settings));
  return loaded.ok ? loaded : refuse(loaded.problems);
}

/** What was ever given to whom, as the stack remembers it. @throws Refusal when that cannot be understood */
export const ledgerBefore = (settings: StackSettings, inputs: RunInputs): Promise<Ledger> => pastOf(settings, inputs);

/** Today in UTC: the day that `until` and the ledger's dates mean. */
export const today = (): Day => new Date().toISOString().slice(0, 10) as Day;

/** What the stack decides about people as a whole. */
export const policyOf = (settings: StackSettings): Policy => ({
  ...DEFAULT_POLICY,
  hosts: settings.hosts.map(({ name }) => name as HostName),
  reservedK8sUsers: settings.reservedK8sUsers,
  ...(settings.vault === undefined || settings.userMapFile !== undefined
    ? {}
    : { userMapPath: settings.vault.userMap.path }),
  systemNamespaces: settings.systemNamespaces,
  limits: settings.limits,
  quota: settings.quota,
  removalLimit: settings.removalLimit,
  minimumAdmins: settings.minimumAdmins,
  confirmLeave: settings.confirmLeave,
  removed: settings.removed,
  adoptExisting: settings.devvm.adoptExisting,
  closeAdoptedHomes: settings.devvm.closeAdoptedHomes,
  addsOnly: settings.addsOnly,
  ports: settings.ports,
  uids: settings.uids,
});

function refuse(problems: readonly Problem[]): never {
  const errors = problems.filter(({ severity }) => severity === "error");
  throw new Refusal(["Nothing was changed:", ...errors.map((problem) => `  ${renderProblem(problem)}`)].join("\n"));
}

/** The stack's own ledger, or for its first run the one it starts from. Two that could contradict each other are refused. */
async function pastOf({ ledgerSeed }: StackSettings, inputs: RunInputs): Promise<Ledger> {
  if (ledgerSeed === undefined) return ledgerOf(inputs.ledger);
  if (inputs.ledger !== undefined) {
    throw new Refusal(
      `workstation:ledgerSeed names ${ledgerSeed}, and this stack has a ledger of its own, which goes on. Take the ` +
        "setting out: `pulumi config rm ledgerSeed`. Nothing was changed.",
    );
  }
  const seed = loadLedger(await readOrRefuse(ledgerSeed, "the ledger", "ledgerSeed", inputs), ledgerSeed);
  return seed.ok ? seed.ledger : refuse(seed.problems);
}

function ledgerOf(stored: unknown): Ledger {
  if (stored === undefined) return EMPTY_LEDGER;
  if (typeof stored !== "string") {
    throw new Refusal(
      "The stack's output `ledger` is not the text that this program writes; nothing was changed. " +
        "Restore the state from its backup: without the ledger nobody's port and uid are known.",
    );
  }
  const loaded = loadLedger(stored, "the stack's ledger");
  return loaded.ok ? loaded.ledger : refuse(loaded.problems);
}

/** What surfaces may hold beside the ledger, as the last run wrote it. @throws Refusal when that cannot be understood */
export function undeliveredBefore(stored: unknown): Undelivered {
  if (stored === undefined) return ALL_DELIVERED;
  const loaded = typeof stored === "string" ? loadUndelivered(stored, "the stack's output undelivered") : undefined;
  if (loaded?.ok === true) return loaded.undelivered;
  if (loaded !== undefined) return refuse(loaded.problems);
  throw new Refusal(
    "The stack's output `undelivered` is not the text that this program writes; nothing was changed. Restore the state " +
      "from its backup: without it nobody knows which rights the next deployment has to announce again.",
  );
}

/** The surfaces that the stack delivers to. */
export const surfacesOf = ({ forgejo, cluster, vault, hosts }: StackSettings): readonly Surface[] => [
  ...(forgejo === undefined ? [] : (["forge"] as const)),
  ...(cluster === undefined ? [] : (["cluster"] as const)),
  ...(vault === undefined ? [] : (["Vault"] as const)),
  ...hosts.map(({ name }): Surface => `host ${name}`),
];

async function userMapOf({ userMapFile }: StackSettings, inputs: RunInputs): Promise<UserMap | "unread" | undefined> {
  const { userMap: fromVault } = inputs;
  if (fromVault?.isRead === false) return "unread";
  if (fromVault !== undefined) return userMapIn(fromVault.text, fromVault.file);
  if (userMapFile === undefined) return undefined;
  return userMapIn(await readOrRefuse(userMapFile, "the user map", "userMapFile", inputs), userMapFile);
}

function userMapIn(source: Uint8Array | string, file: string): UserMap {
  const loaded = loadUserMap(source, file);
  return loaded.ok ? loaded.userMap : refuse(loaded.problems);
}

async function readOrRefuse(
  path: string,
  what: string,
  setting: string,
  { folder = "." }: Pick<RunInputs, "folder">,
): Promise<Uint8Array> {
  try {
    return await readFile(resolve(folder, path));
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code === "ENOENT" ? "there is no such file" : (cause as Error).message;
    throw new Refusal(
      `${path}: ${what}, which workstation:${setting} names, cannot be read: ${why}. Nothing was changed.`,
    );
  }
}
