/**
 * Implements `./ws history`: lists what changed for one person, when, by which commit and pusher, and when it was
 * deployed.
 */

import { resolve } from "node:path";
import type { Policy } from "../../roster/model.ts";
import { DEFAULT_POLICY } from "../../roster/policy.ts";
import { policyOf } from "../../config/desired-state.ts";
import { Refusal } from "../../config/refusal.ts";
import { type Command, readArgs, UsageError } from "../command.ts";
import { deliveriesFrom } from "../history/find-deployment.ts";
import { entriesFor, sentenceOf } from "../history/entries.ts";
import { replay } from "../history/events.ts";
import { historyOf } from "../history/git.ts";
import { mapConcurrently } from "../board/map-concurrently.ts";
import { PROJECT, PulumiError, type StackSelection, updatesOf } from "../pulumi.ts";
import { openStack } from "../stack/open-stack.ts";
import { SELECTION_HELP, SELECTION_OPTIONS, stackSelection } from "../stack-selection.ts";

export const history: Command = {
  help: `Usage: ./ws history PERSON [--json] [--roster FILE] [--stack NAME] [--config-file FILE]

Decides every committed version of the roster again, in order, and says what each changed for the
person, under any name they had; with the commit, who pushed it (by the forge's login, as the
deployment noted it) and when it was deployed. Changes nothing.

${SELECTION_HELP}
  --roster FILE       a roster in a git repository, without any stack: says nothing of deployments
  --json              one JSON object, for programs

Exit code: 0 when the history is shown, 1 where it cannot be read or nobody of that name ever was on
the roster, 2 when called the wrong way.`,
  run: async (args, terminal) => {
    const { values, positionals } = readArgs(args, {
      ...SELECTION_OPTIONS,
      roster: { type: "string" },
      json: { type: "boolean" },
    });
    const [name, ...more] = positionals;
    if (name === undefined || more.length > 0) throw new UsageError("history expects the name of one person");
    try {
      const { file, policy, place } =
        values.roster === undefined ? await ofStack(stackSelection(values)) : withoutStack(values.roster);
      const { changes, parents, textIn } = await historyOf(file);
      const versions = await mapConcurrently(changes, async (commit) => ({
        commit,
        source: await textIn(commit.hash),
      }));
      const replayed = replay(versions, file, policy);
      const deliveries = place === undefined ? undefined : deliveriesFrom(await updatesOf(place), parents);
      const found = entriesFor(name, replayed, deliveries);
      if (found === undefined) throw new Refusal(`${JSON.stringify(name)} is nobody who ever was on this roster.`);
      if (values.json === true) {
        terminal.out(JSON.stringify({ ok: true, ...found, broken: replayed.broken.map(({ hash }) => hash) }));
        return 0;
      }
      for (const entry of found.entries) terminal.out(sentenceOf(entry, deliveries !== undefined));
      if (replayed.broken.length > 0) {
        const which = replayed.broken.map(({ hash }) => hash.slice(0, 12)).join(", ");
        terminal.err(terminal.paintErr("dim", `Passed over, since the roster did not hold there: ${which}`));
      }
      return 0;
    } catch (cause) {
      if (!(cause instanceof Refusal || cause instanceof PulumiError)) throw cause;
      if (values.json === true) terminal.out(JSON.stringify({ ok: false, message: cause.message }));
      else terminal.err(terminal.paintErr("red", cause.message));
      return 1;
    }
  },
};

interface Source {
  readonly file: string;
  readonly policy: Policy;
  readonly place: StackSelection | undefined;
}

async function ofStack(place: StackSelection): Promise<Source> {
  const { settings } = await openStack(place);
  // What a run may take away at once is no part of what was decided.
  const policy = { ...policyOf(settings), addsOnly: false };
  return { file: resolve(PROJECT, settings.roster), policy, place };
}

const withoutStack = (file: string): Source => ({ file: resolve(file), policy: DEFAULT_POLICY, place: undefined });
