/** Implements `./ws ledger rebuild`: rebuilds the ledger of a stack whose state was lost from the hosts' own copies. */

import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { writeAdoption } from "../../config/adoption-file.ts";
import { today, computeDesiredState } from "../../config/desired-state.ts";
import { userMapFromVault } from "../../config/vault-user-map.ts";
import { ClientError } from "../../clients/client-error.ts";
import { Refusal } from "../../config/refusal.ts";
import type { StackSettings } from "../../config/settings/stack-settings.ts";
import { type Command, readArgs, UsageError } from "../command.ts";
import { findExisting } from "../import/existing-resources.ts";
import { UnreadableSurface } from "../import/unreadable-surface.ts";
import { PROJECT, PulumiError, stateOf } from "../pulumi.ts";
import { pulumiCommand } from "../pulumi-command.ts";
import { clusterOf } from "../stack/cluster-client.ts";
import { forgeOf } from "../stack/forge-client.ts";
import { type DeployedState, readState } from "../stack/deployed-resources.ts";
import { openStack } from "../stack/open-stack.ts";
import { vaultOf } from "../stack/vault-client.ts";
import { ledgerFromHosts } from "../removal/rebuild-ledger.ts";
import { SELECTION_HELP, SELECTION_OPTIONS, stackSelection } from "../stack-selection.ts";

export const ledgerCommand: Command = {
  help: `Usage: ./ws ledger rebuild [--out DIR] [--stack NAME] [--config-file FILE]

For a stack whose state was lost and has no backup. Reads from every host what it was given for its
people, offboarded and removed users included, and writes into DIR: ledger.json, with who
had what; adopt.json, with the objects that exist and that the first deployment takes over instead of
making them. Changes nothing anywhere.

  --out DIR           where to write (default: rebuilt); files that are there are not replaced
${SELECTION_HELP}

Exit code: 0 when all of it is known, 1 when not, 2 when called the wrong way.`,
  run: async (args, terminal) => {
    const { values, positionals } = readArgs(args, { ...SELECTION_OPTIONS, out: { type: "string" } });
    if (positionals.join(" ") !== "rebuild")
      throw new UsageError(`expected \`ledger rebuild\`, but found \`${["ledger", ...positionals].join(" ")}\``);
    try {
      const selection = stackSelection(values);
      const { settings, previousRun } = await openStack(selection);
      if (previousRun.ledger !== undefined)
        throw new Refusal("This stack has a ledger of its own; nothing was written.");
      const out = resolve(values.out ?? "rebuilt");
      const { people, adopted } = await rebuild(settings, readState(await stateOf(selection)), out);
      terminal.out(
        `${people} people are in ${join(out, "ledger.json")}, and ${adopted} objects that exist in ${join(out, "adopt.json")}.`,
      );
      terminal.out("Look at both, then say where they are, preview, and deploy:");
      for (const [setting, file] of [
        ["ledgerSeed", "ledger.json"],
        ["adopt", "adopt.json"],
      ] as const)
        terminal.out(`  ${pulumiCommand(selection, "config", "set", setting, join(out, file))}`);
      return 0;
    } catch (cause) {
      if (!EXPECTED.some((kind) => cause instanceof kind)) throw cause;
      terminal.err(terminal.paintErr("red", (cause as Error).message));
      return 1;
    }
  },
};

const EXPECTED = [Refusal, PulumiError, UnreadableSurface, ClientError] as const;

async function rebuild(settings: StackSettings, state: DeployedState, out: string) {
  const there = ["ledger.json", "adopt.json"].find((name) => existsSync(join(out, name)));
  if (there !== undefined) throw new Refusal(`${join(out, there)} is there already; name another folder with --out`);
  const { text, ledger } = await ledgerFromHosts(settings);
  const userMap = await userMapFromVault(settings, { ledger: text }, { preview: false, folder: PROJECT });
  const stack = { ...settings, ledgerSeed: undefined, adopt: undefined };
  const { desired } = await computeDesiredState(stack, { ledger: text, userMap, today: today(), folder: PROJECT });
  const surfaces = { cluster: clusterOf(settings), vault: vaultOf(settings), forge: forgeOf(settings) };
  const { desiredResources } = await import("../../stacks/offline/desired-resources.ts");
  const { adopt, clashes } = await findExisting(await desiredResources(settings, desired), surfaces, state);
  if (clashes.length > 0) throw new Refusal(["Settle these first:", ...clashes].join("\n  "));
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, "ledger.json"), text, { flag: "wx" });
  writeFileSync(join(out, "adopt.json"), writeAdoption(adopt), { flag: "wx" });
  return { people: ledger.people.size, adopted: adopt.length };
}
