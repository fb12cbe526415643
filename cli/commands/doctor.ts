/** Implements `./ws doctor`: tries every connection and right that the settings require, and names what is missing. */

import { Refusal } from "../../config/refusal.ts";
import { parseSettings } from "../../config/settings/parse.ts";
import { type Command, readArgs } from "../command.ts";
import { inspectSite } from "../doctor/inspect-site.ts";
import { type Check, isWell, missing } from "../doctor/model.ts";
import { textOf } from "../doctor/text.ts";
import { configOf, PulumiError, type StackSelection } from "../pulumi.ts";
import { SELECTION_HELP, SELECTION_OPTIONS, stackSelection } from "../stack-selection.ts";

export const doctor: Command = {
  help: `Usage: ./ws doctor [--json] [--stack NAME] [--config-file FILE]

Tries everything that the stack's settings require, before the first deployment and at any time later:
the login on each host with its pinned key, root's rights, packages and programs there; the kubeconfig's
rights; the capabilities of Vault's token; the forge's account, repositories and people; names and
certificates of the addresses in the settings; the sign-in before the portal and the code servers; the
clocks. Says what is missing and the line that grants it. Changes
nothing, and never shows a secret.

${SELECTION_HELP}
  --json              one JSON object, for programs

WS_CHAT_WEBHOOK, where it is set, is looked at too; no message is sent.

Exit code: 0 when nothing is missing, 1 when something is, 2 when called the wrong way.`,
  run: async (args, terminal) => {
    const { values } = readArgs(args, { ...SELECTION_OPTIONS, json: { type: "boolean" } });
    const checks = await inspect(stackSelection(values));
    const report = { ok: isWell(checks), askedAt: new Date().toISOString(), checks };
    terminal.out(values.json === true ? JSON.stringify(report) : textOf(checks, terminal.paint));
    return report.ok ? 0 : 1;
  },
};

/** Settings that cannot be used are the only finding: they say what else there is to inspect. */
async function inspect(selection: StackSelection): Promise<readonly Check[]> {
  const where = selection.configFile ?? `Pulumi.${selection.stack ?? "<stack>"}.yaml`;
  try {
    const { values, encrypted } = await configOf(selection);
    return await inspectSite(parseSettings(values, where, encrypted), process.env.WS_CHAT_WEBHOOK);
  } catch (cause) {
    if (!(cause instanceof Refusal || cause instanceof PulumiError)) throw cause;
    const target = { surface: "configuration", where, who: "" } as const;
    return [
      missing(target, "settings", {
        found: cause.message,
        expected: "settings that can be used",
        remedy: "docs/configuration.md describes every setting",
      }),
    ];
  }
}
