/**
 * Implements `./ws plan`: reports what a deployment would do to whom, by the program's own decision. It changes
 * nothing.
 */

import { renderProblem } from "../../roster/render-problem.ts";
import { Refusal } from "../../config/refusal.ts";
import { type Command, readArgs, UsageError } from "../command.ts";
import { PulumiError } from "../pulumi.ts";
import { type Decided, decideOn, openStack } from "../stack/open-stack.ts";
import { readInput } from "../read-input.ts";
import { problemJson, problemLines } from "../show-problems.ts";
import { SELECTION_HELP, SELECTION_OPTIONS, stackSelection } from "../stack-selection.ts";
import type { Terminal } from "../terminal.ts";

export const plan: Command = {
  help: `Usage: ./ws plan [--json] [--stack NAME] [--config-file FILE] [--ledger FILE]

Reads the stack's configuration and its ledger through pulumi, and the roster and the user map that
the configuration names, and shows in sentences what a deployment would do to whom. Changes nothing,
and never shows a secret.

${SELECTION_HELP}
  --ledger FILE       reads the ledger from this file and not from the stack's output
  --json              one JSON object, for programs

Exit code: 0 when the plan is shown, 1 with problems or where a safety limit would stop the deployment,
2 when called the wrong way.`,
  run: async (args, terminal) => {
    const { values, positionals } = readArgs(args, {
      ...SELECTION_OPTIONS,
      ledger: { type: "string" },
      json: { type: "boolean" },
    });
    const [more] = positionals;
    if (more !== undefined) throw new UsageError(`plan takes no file ("${more}"): the configuration names the roster`);
    const selection = stackSelection(values);
    try {
      const ledger = values.ledger === undefined ? undefined : ledgerIn(values.ledger);
      const decided = await decideOn(await openStack(selection, ledger));
      if (values.json === true) terminal.out(JSON.stringify(reportOf(decided)));
      else show(decided, terminal);
      return decided.brakes.length > 0 ? 1 : 0;
    } catch (cause) {
      if (!(cause instanceof Refusal || cause instanceof PulumiError)) throw cause;
      if (values.json === true) terminal.out(JSON.stringify({ ok: false, message: cause.message }));
      else terminal.err(terminal.paintErr("red", cause.message));
      return 1;
    }
  },
};

/** @throws Refusal when the file cannot be read */
function ledgerIn(file: string): string {
  const input = readInput(file);
  if (input.ok) return Buffer.from(input.bytes).toString("utf8");
  throw new Refusal(renderProblem(input.problem));
}

function show({ plan: sentences, brakes, warnings, notices }: Decided, { out, err, paint, paintErr }: Terminal): void {
  for (const notice of notices) err(paintErr("yellow", `warning: ${notice}`));
  if (warnings.length > 0) err(problemLines(warnings, paintErr));
  out(paint("bold", sentences.length > 0 ? "What would happen to whom:" : "Nothing would change for anybody."));
  for (const line of sentences) out(`  ${line}`);
  if (brakes.length === 0) return;
  err(paintErr("red", "A deployment would stop before any change:"));
  for (const { message } of brakes) err(`  ${message}`);
}

const reportOf = ({ plan: sentences, changes, repeated, heldBack, raised, brakes, warnings, notices }: Decided) => ({
  ok: brakes.length === 0,
  plan: sentences,
  changes,
  repeated,
  heldBack: heldBack.map(({ who, lost }) => ({ who, lost })),
  raised,
  brakes,
  warnings: warnings.map(problemJson),
  notices,
});
