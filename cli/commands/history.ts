/**
 * Implements `./ws history`: lists what changed for one person, when, by which commit and pusher, and when it was
 * deployed.
 */

import { resolve } from "node:path";
import type { Ledger, Policy } from "../../roster/model.ts";
import { DEFAULT_POLICY } from "../../roster/policy-defaults.ts";
import { ledgerBefore, policyOf, today } from "../../config/desired-state.ts";
import { Refusal } from "../../config/refusal.ts";
import { type Command, readArgs, UsageError } from "../command.ts";
import { type Deliveries, deliveriesFrom } from "../history/find-deployment.ts";
import { entriesFor, sentenceOf } from "../history/entries.ts";
import { namesOf, replay } from "../history/events.ts";
import { historyOf } from "../history/git.ts";
import { uncommitted } from "../history/uncommitted.ts";
import { mapConcurrently } from "../map-concurrently.ts";
import { PROJECT, PulumiError, type StackSelection, updatesOf } from "../pulumi.ts";
import { openStack } from "../stack/open-stack.ts";
import { SELECTION_HELP, SELECTION_OPTIONS, stackSelection } from "../stack-selection.ts";

export const history: Command = {
  help: `Usage: ./ws history PERSON [--json] [--roster FILE] [--stack NAME] [--config-file FILE]

Decides every committed version of the roster again, in order, and says what each changed for the
person, under any name they had; with the commit, who pushed it (by the forge's login, as the
deployment noted it) and when it was deployed. What the stack's ledger holds beyond the deployed
commits, such as a leave from a roster that was never committed, is a line of its own. Changes nothing.

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
      const { file, policy, selection, ledger } =
        values.roster === undefined ? await ofStack(stackSelection(values)) : withoutStack(values.roster);
      const { changes, parents, textIn } = await historyOf(file);
      const versions = await mapConcurrently(changes, async (commit) => ({
        commit,
        source: await textIn(commit.hash),
      }));
      const replayed = replay(versions, file, policy);
      const deliveries = selection === undefined ? undefined : deliveriesFrom(await updatesOf(selection), parents);
      const found = entriesFor(name, replayed, deliveries) ?? onlyDeployed(name, ledger);
      if (found === undefined) throw new Refusal(`${JSON.stringify(name)} is nobody who ever was on this roster.`);
      const accounted = (of: (commit: string) => unknown) =>
        replay(
          versions.filter(({ commit }) => of(commit.hash)),
          file,
          policy,
        );
      const differing =
        ledger === undefined || deliveries === undefined
          ? []
          : unaccounted(found.names, ledger, [accounted(deliveries.of).ledger, accounted(tried(deliveries)).ledger]);
      if (values.json === true) {
        const broken = replayed.broken.map(({ hash }) => hash);
        terminal.out(JSON.stringify({ ok: true, ...found, uncommitted: differing, broken }));
        return 0;
      }
      for (const entry of found.entries) terminal.out(sentenceOf(entry, deliveries !== undefined));
      if (differing.length > 0)
        terminal.out(`In no deployed commit, and in the stack's ledger: ${found.names[0]} ${differing.join("; ")}.`);
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

/** A deployment that failed may have been refused before it decided anything, or have decided it. */
const tried =
  ({ of, failedOf }: Deliveries) =>
  (commit: string) =>
    of(commit) ?? failedOf(commit);

/** What none of these ledgers accounts for. */
function unaccounted(names: readonly string[], ledger: Ledger, committed: readonly Ledger[]): readonly string[] {
  const [first = [], ...others] = committed.map((one) => uncommitted(names, one, ledger));
  return others.some((other) => other.length === 0) ? [] : first;
}

interface Source {
  readonly file: string;
  readonly policy: Policy;
  readonly selection: StackSelection | undefined;
  /** The stack's own; undefined where none is asked, and where `addsOnly` keeps what the commits take away. */
  readonly ledger: Ledger | undefined;
}

async function ofStack(selection: StackSelection): Promise<Source> {
  const { settings, previousRun } = await openStack(selection);
  // What a run may take away at once is no part of what was decided.
  const policy = { ...policyOf(settings), addsOnly: false };
  const ledger = settings.addsOnly
    ? undefined
    : await ledgerBefore(settings, { ledger: previousRun.ledger, today: today(), folder: PROJECT });
  return { file: resolve(PROJECT, settings.roster), policy, selection, ledger };
}

const withoutStack = (file: string): Source => ({
  ...{ file: resolve(file), policy: DEFAULT_POLICY, selection: undefined, ledger: undefined },
});

/** Somebody whom only a roster without a commit ever had. */
function onlyDeployed(name: string, ledger: Ledger | undefined) {
  const names = ledger === undefined ? undefined : namesOf(name, ledger);
  return names === undefined ? undefined : { names, entries: [] };
}
