/** Implements `./ws probe`: checks on every surface whether the access of offboarded users is really revoked. */

import { writeFileSync } from "node:fs";
import { ClientError } from "../../clients/client-error.ts";
import { surfacesOf, undeliveredBefore } from "../../config/desired-state.ts";
import { Refusal } from "../../config/refusal.ts";
import { onSurfaces } from "../../roster/undelivered-changes.ts";
import { type Command, readArgs } from "../command.ts";
import { isDone } from "../probe/model.ts";
import { probeSurfaces } from "../probe/probe-surfaces.ts";
import { textOf } from "../probe/text.ts";
import { offboardedUsers } from "../probe/offboarded-users.ts";
import { recordedAccounts } from "../probe/recorded-accounts.ts";
import { PulumiError, stateOf } from "../pulumi.ts";
import { openStack } from "../stack/open-stack.ts";
import { SELECTION_HELP, SELECTION_OPTIONS, stackSelection } from "../stack-selection.ts";

export const probe: Command = {
  help: `Usage: ./ws probe [USER…] [--json] [--report FILE] [--stack NAME] [--config-file FILE]

Checks, for every offboarded user (or the ones named): each host (maps, code-server proxy, login, groups,
processes, units), the cluster (access reviews, dashboard, injector, portal, bindings they created), Vault
(entity, roles, policies, tokens) and the forge (collaborator, lists, tokens, keys). Says for each what is
revoked, what is residual and until when, what requires action and which, and what could not be asked.
Changes nothing, and never shows a secret. docs/leaving.md says more.

${SELECTION_HELP}
  --json              one JSON object, for programs
  --report FILE       that JSON into a file too, readable to its owner alone

Exit code: 0 when all is revoked or ends by itself, 1 when something requires action or could not be asked,
2 when called the wrong way.`,
  run: async (args, terminal) => {
    const { values, positionals } = readArgs(args, {
      ...SELECTION_OPTIONS,
      json: { type: "boolean" },
      report: { type: "string" },
    });
    try {
      const selection = stackSelection(values);
      const { settings, previousRun } = await openStack(selection);
      // What a host out of the stack holds waits for its return: it would keep every probe from passing until then.
      const undelivered = onSurfaces(undeliveredBefore(previousRun.undelivered), surfacesOf(settings));
      const offboarded = offboardedUsers(previousRun.ledger, positionals, undelivered);
      const asksForge = settings.forgejo !== undefined && offboarded.some(({ forgejoLogins: all }) => all.length > 0);
      const accounts = asksForge ? recordedAccounts(await stateOf(selection)) : undefined;
      const people = await probeSurfaces(settings, offboarded, accounts);
      const report = { ok: isDone(people), askedAt: new Date().toISOString(), people };
      if (values.report !== undefined) keep(values.report, `${JSON.stringify(report, undefined, 2)}\n`);
      if (values.json === true) terminal.out(JSON.stringify(report));
      else terminal.out(people.length === 0 ? "No user is offboarded." : textOf(people, terminal.paint));
      return report.ok ? 0 : 1;
    } catch (cause) {
      if (!(cause instanceof Refusal || cause instanceof PulumiError || cause instanceof ClientError)) throw cause;
      if (values.json === true) terminal.out(JSON.stringify({ ok: false, message: cause.message }));
      else terminal.err(terminal.paintErr("red", cause.message));
      return 1;
    }
  },
};

/** @throws Refusal when it cannot be written */
function keep(file: string, text: string): void {
  try {
    writeFileSync(file, text, { mode: 0o600 });
  } catch (cause) {
    throw new Refusal(`${file}: the report cannot be written: ${(cause as Error).message}`);
  }
}
