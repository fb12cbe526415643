/**
 * Implements `./ws import`: turns existing people and objects into a roster, a ledger and the list of objects that a
 * stack takes over.
 */

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { writeAdoption } from "../../config/adoption-file.ts";
import { today, computeDesiredState } from "../../config/desired-state.ts";
import { userMapFromVault } from "../../config/vault-user-map.ts";
import { ClientError } from "../../clients/client-error.ts";
import { Refusal } from "../../config/refusal.ts";
import { type Command, readArgs, UsageError } from "../command.ts";
import { findExisting } from "../import/existing-resources.ts";
import { type Gathered, gather } from "../import/read-surfaces.ts";
import { initialLedger } from "../import/initial-ledger.ts";
import { guessPeople, heldBy, managedBefore, type People, unplaced } from "../import/derive-rows.ts";
import { type Findings, findingsOf, reportText } from "../import/report.ts";
import { rosterText } from "../import/roster-text.ts";
import { UnreadableSurface } from "../import/unreadable-surface.ts";
import { PROJECT, PulumiError, type StackSelection, stateOf } from "../pulumi.ts";
import { type DeployedState, readState } from "../stack/deployed-resources.ts";
import { type OpenStack, openStack } from "../stack/open-stack.ts";
import { SELECTION_HELP, SELECTION_OPTIONS, stackSelection } from "../stack-selection.ts";

export const importCommand: Command = {
  help: `Usage: ./ws import [--out DIR] [--host NAME]… [--roster FILE] [--vault-token-file FILE]
                   [--stack NAME] [--config-file FILE] [--json]

Reads the stack's hosts, cluster, Vault and forge as they are, and writes into DIR: roster.yaml, with
a comment at each guess; ledger.json, with everybody's uid and ports; adopt.json, with what the first
deployment takes over instead of making it; report.txt. Changes nothing anywhere. Whatever fits no
row is listed and left alone; what could be two things is listed and not guessed. Where the stack
has been deployed, its own ledger stays (no ledger.json), and what its state has is not adopted.

  --out DIR           where to write (default: import); files that are there are not replaced
  --host NAME         only this host; may be repeated (default: all of the stack)
  --roster FILE       your own rows, looked through: nothing is guessed, the rest is worked out anew
  --vault-token-file FILE
                      a token that may list Vault's policies and entities, which the program's may not
${SELECTION_HELP}
  --json              one JSON object, for programs

Exit code: 0 when everything is clear, 1 where something could not be read or has to be settled first,
2 when called the wrong way.`,
  run: async (args, terminal) => {
    const { values, positionals } = readArgs(args, OPTIONS);
    if (positionals.length > 0) throw new UsageError(`import takes no file ("${positionals[0]}")`);
    try {
      const selection = stackSelection(values);
      const opened = await openStack(selection);
      const { settings } = opened;
      const unknown = values.host?.find((name) => !settings.hosts.some((host) => host.name === name));
      if (unknown !== undefined) throw new UsageError(`the stack has no host "${unknown}"`);
      const out = resolve(values.out ?? "import");
      const summary = await importInto(out, opened, values, selection);
      if (values.json === true)
        terminal.out(JSON.stringify({ ok: summary.findings.open.length === 0, ...summary.findings }));
      else terminal.out(summary.text);
      return summary.findings.open.length === 0 ? 0 : 1;
    } catch (cause) {
      if (!EXPECTED.some((kind) => cause instanceof kind)) throw cause;
      const { message } = cause as Error;
      if (values.json === true) terminal.out(JSON.stringify({ ok: false, message }));
      else terminal.err(terminal.paintErr("red", `Nothing was written: ${message}`));
      return 1;
    }
  },
};

const OPTIONS = {
  out: { type: "string" },
  roster: { type: "string" },
  "vault-token-file": { type: "string" },
  ...SELECTION_OPTIONS,
  json: { type: "boolean" },
  host: { type: "string", multiple: true },
} as const;

const EXPECTED = [Refusal, PulumiError, UnreadableSurface, ClientError] as const;

interface Wanted {
  readonly host?: string[] | undefined;
  readonly roster?: string | undefined;
  readonly "vault-token-file"?: string | undefined;
}

async function importInto(out: string, opened: OpenStack, wanted: Wanted, selection: StackSelection) {
  const files = ["roster.yaml", "ledger.json", "adopt.json", "report.txt"];
  const there = files.find((name) => existsSync(join(out, name)));
  if (there !== undefined) throw new Refusal(`${join(out, there)} is there already; name another folder with --out`);
  const tokenFile = wanted["vault-token-file"];
  const token = tokenFile === undefined ? undefined : readOrRefuse(tokenFile).trim();
  const gathered = await gather(opened.settings, wanted.host ?? [], token);
  const state = readState(await stateOf(selection));
  const guessed = guessPeople(gathered.seen);
  const text = wanted.roster === undefined ? rosterText(guessed.rows) : readOrRefuse(wanted.roster);

  const draft = mkdtempSync(join(tmpdir(), "ws-import-"));
  try {
    writeFileSync(join(draft, "roster.yaml"), text);
    const { findings, report, ledger, adopt } = await workOut(
      opened,
      join(draft, "roster.yaml"),
      { ...gathered, state },
      guessed,
      wanted,
    );
    mkdirSync(out, { recursive: true });
    const write = (name: string, content: string) =>
      writeFileSync(join(out, name), content, { flag: "wx", mode: 0o644 });
    write("roster.yaml", text);
    if (ledger !== undefined) write("ledger.json", ledger);
    write("adopt.json", adopt);
    const summary = report(out, selection);
    write("report.txt", `${summary}\n`);
    return { findings, text: summary };
  } finally {
    rmSync(draft, { recursive: true });
  }
}

async function workOut(
  { settings, previousRun: { ledger: own } }: OpenStack,
  roster: string,
  gathered: Gathered & { readonly state: DeployedState },
  guessed: People,
  wanted: Wanted,
) {
  const decide = async (ledger: unknown) => {
    const stack = { ...settings, roster, ledgerSeed: undefined, adopt: undefined };
    const userMap = await userMapFromVault(settings, { ledger }, { preview: false, folder: PROJECT });
    return computeDesiredState(stack, { ledger, userMap, today: today(), folder: PROJECT });
  };
  const first = await decide(own);
  const people = wanted.roster === undefined ? guessed : chosen(guessed, [...first.desired.people.keys()]);
  const seed = own === undefined ? initialLedger(first.desired, people.rows, settings.ports) : undefined;
  const { desired, plan } = seed === undefined ? first : await decide(seed.text);
  const { desiredResources } = await import("../../stacks/offline/desired-resources.ts");
  const declared = await desiredResources(settings, desired);
  const existing = await findExisting(declared, gathered.surfaces, gathered.state);
  const held = heldBy([...desired.people.values()], gathered.seen.userMap);
  const placed = {
    ...people,
    strangers: [...people.strangers, ...unplaced(gathered.seen, held)],
    open: [...people.open, ...(seed === undefined ? [] : managedBefore(gathered.seen))],
  };
  const findings: Findings = findingsOf({
    people: placed,
    existing,
    declared,
    gathered,
    news: [...(seed?.fresh ?? []), ...plan],
  });
  const osUsers = people.rows.map(({ osUser }) => osUser);
  return {
    findings,
    report: (out: string, selection: StackSelection) =>
      reportText(findings, { folder: out, osUsers, hasSeed: seed !== undefined }, selection),
    ledger: seed?.text,
    adopt: writeAdoption(existing.adopt),
  };
}

/** Of what was seen on the hosts, those whom the operator's own rows name; what was open about them is settled by the row. */
function chosen({ rows, strangers }: People, osUsers: readonly string[]): People {
  const missing = osUsers.filter((osUser) => !rows.some((row) => row.osUser === osUser));
  return {
    rows: rows
      .filter(({ osUser }) => osUsers.includes(osUser))
      .map((row) => ({ ...row, fields: row.fields.map(certain) })),
    strangers,
    open: missing.map((osUser) => `${osUser}: has a row, and no account of theirs was found that could be taken over`),
  };
}

const certain = ({ key, value }: People["rows"][number]["fields"][number]) => ({ key, value });

function readOrRefuse(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new Refusal(`${file} cannot be read: ${(cause as Error).message}`);
  }
}
