/** From the stack's files and its memory to the decision about everybody, or a refusal before the first write. */

import { readFile } from "node:fs/promises";
import * as pulumi from "@pulumi/pulumi";
import { type Derivation, derive } from "../roster/derive/derive.ts";
import { EMPTY_LEDGER, loadLedger } from "../roster/ledger.ts";
import { loadRoster } from "../roster/load.ts";
import type { Day, HostName, Ledger, Policy, Problem, UserMap } from "../roster/model.ts";
import { checkPolicy, DEFAULT_POLICY } from "../roster/policy.ts";
import { loadUserMap } from "../roster/user-map.ts";
import { Refusal } from "./refusal.ts";
import type { StackSettings } from "./settings/index.ts";
import type { UserMapText } from "./user-map.ts";

/** What the decision starts from, beside the settings. */
export interface Known {
  /** The ledger as the last run wrote it; undefined for a stack that never ran. */
  readonly ledger: unknown;
  readonly today: Day;
  /** From Vault; undefined where the stack reads it from a file or not at all. */
  readonly userMap?: UserMapText | undefined;
}

/** @throws Refusal with every problem of the roster, the user map and the ledger, or with the brakes that are on */
export async function decide(settings: StackSettings, known: Known): Promise<Derivation> {
  const policy = policyOf(settings);
  const wrong = checkPolicy(policy);
  if (wrong.length > 0) throw new Refusal(`The configuration of this stack contradicts itself: ${wrong.join("; ")}.`);
  const loaded = loadRoster(await readOrRefuse(settings.roster, "the roster"), settings.roster, policy);
  const roster = loaded.ok ? loaded.roster : refuse(loaded.problems);
  const derived = derive({
    roster,
    policy,
    today: known.today,
    userMap: await userMapOf(settings, known.userMap),
    ledger: ledgerOf(known.ledger, policy),
  });
  if (!derived.ok) return refuse(derived.problems);
  if (derived.brakes.length > 0) {
    throw new Refusal(
      ["Stopped before any change:", ...derived.brakes.map(({ message }) => `  ${message}`)].join("\n"),
    );
  }
  const warnings = loaded.ok ? [...loaded.warnings, ...derived.warnings] : derived.warnings;
  return { ...derived, warnings };
}

/** Says the plan and the warnings where the engine shows them: in the preview, and in the update's log. */
export async function announce({ plan, warnings }: Derivation): Promise<void> {
  for (const warning of warnings) await pulumi.log.warn(sentence(warning));
  if (plan.length > 0) await pulumi.log.info(["What will happen to whom:", ...plan].join("\n  "));
}

/** Today in UTC: the day that `until` and the ledger's dates mean. */
export const today = (): Day => new Date().toISOString().slice(0, 10) as Day;

/** A problem as one line, clickable in most terminals and editors. */
export const sentence = ({ file, line, column, path, message }: Problem): string =>
  `${file}:${line}:${column}: ${path === "" ? "" : `${path}: `}${message}`;

const policyOf = (settings: StackSettings): Policy => ({
  ...DEFAULT_POLICY,
  hosts: settings.hosts.map(({ name }) => name as HostName),
  reservedK8sUsers: settings.reservedK8sUsers,
  systemNamespaces: settings.systemNamespaces,
  limits: settings.limits,
  quota: settings.quota,
  removalLimit: settings.removalLimit,
  minimumAdmins: settings.minimumAdmins,
  confirmLeave: settings.confirmLeave,
  addsOnly: settings.addsOnly,
});

function refuse(problems: readonly Problem[]): never {
  const errors = problems.filter(({ severity }) => severity === "error");
  throw new Refusal(["Nothing was changed:", ...errors.map((problem) => `  ${sentence(problem)}`)].join("\n"));
}

function ledgerOf(stored: unknown, policy: Policy): Ledger {
  if (stored === undefined) return EMPTY_LEDGER;
  if (typeof stored !== "string") {
    throw new Refusal(
      "The stack's output `ledger` is not the text that this program writes; nothing was changed. " +
        "Restore the state from its backup: without the ledger nobody's port and uid are known.",
    );
  }
  const loaded = loadLedger(stored, "the stack's ledger", policy);
  return loaded.ok ? loaded.ledger : refuse(loaded.problems);
}

async function userMapOf(
  { userMapFile }: StackSettings,
  fromVault: UserMapText | undefined,
): Promise<UserMap | "unread" | undefined> {
  if (fromVault?.known === false) {
    await pulumi.log.warn(fromVault.warning);
    return "unread";
  }
  if (fromVault === undefined && userMapFile === undefined) return undefined;
  const [text, file] =
    fromVault?.known === true
      ? [fromVault.text, fromVault.file]
      : [await readOrRefuse(userMapFile ?? "", "the user map"), userMapFile ?? ""];
  const loaded = loadUserMap(text, file);
  return loaded.ok ? loaded.userMap : refuse(loaded.problems);
}

async function readOrRefuse(path: string, what: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code === "ENOENT" ? "there is no such file" : (cause as Error).message;
    throw new Refusal(`${path}: ${what} cannot be read: ${why}. Nothing was changed.`);
  }
}
