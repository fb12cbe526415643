/**
 * Opens the stack of a command of `./ws`: reads its settings and the outputs of its previous run, and computes the
 * program's decision from both.
 */

import type { Derivation } from "../../roster/derive/derive.ts";
import { today, computeDesiredState } from "../../config/desired-state.ts";
import { userMapFromVault } from "../../config/vault-user-map.ts";
import { type PreviousRun, previousRunFrom } from "../../config/previous-run.ts";
import { Refusal } from "../../config/refusal.ts";
import type { StackSettings } from "../../config/settings/stack-settings.ts";
import { parseSettings } from "../../config/settings/parse.ts";
import { configOf, nameOf, outputsOf, PROJECT, type StackSelection, type StackValues } from "../pulumi.ts";

export interface OpenStack {
  /** Holds secrets: never to be shown. */
  readonly settings: StackSettings;
  readonly previousRun: PreviousRun;
  /** Every encrypted setting as it is written: what must stand in no output. */
  readonly secrets: readonly string[];
}

export interface Decided extends Derivation {
  /** What the decision had to do without. */
  readonly notices: readonly string[];
}

/**
 * Reads the stack's configuration and its outputs through the operator's own `pulumi`.
 * @param ledger the ledger's text, where it comes from a file and not from the stack's outputs
 * @throws PulumiError, or Refusal with every problem of the configuration
 */
export async function openStack(selection: StackSelection, ledger?: string): Promise<OpenStack> {
  const { values, encrypted } = await configOf(selection);
  const settings = await settingsIn(selection, { values, encrypted });
  const outputs = ledger === undefined ? await outputsOf(selection) : { ledger };
  const secrets = encrypted.flatMap((key) => values[key] ?? []);
  return { settings, previousRun: previousRunFrom((name) => outputs[name]), secrets };
}

/** A problem names the file. The name of the selected stack costs a run of `pulumi`, so nothing but a problem asks for it. */
async function settingsIn(selection: StackSelection, { values, encrypted }: StackValues): Promise<StackSettings> {
  try {
    return parseSettings(values, selection.configFile ?? "", encrypted);
  } catch (cause) {
    if (selection.configFile !== undefined || !(cause instanceof Refusal)) throw cause;
    return parseSettings(values, `Pulumi.${await nameOf(selection)}.yaml`, encrypted);
  }
}

/** The same decision as the program's, from the same settings. @throws Refusal */
export async function decideOn({
  settings,
  previousRun,
}: Pick<OpenStack, "settings" | "previousRun">): Promise<Decided> {
  const userMap = await userMapFromVault(settings, previousRun, { preview: true, folder: PROJECT });
  const derivation = await computeDesiredState(settings, {
    ledger: previousRun.ledger,
    undelivered: previousRun.undelivered,
    services: previousRun.services,
    userMap,
    today: today(),
    folder: PROJECT,
  });
  return { ...derivation, notices: userMap?.isRead === false ? [userMap.warning] : [] };
}
