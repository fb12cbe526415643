/**
 * Implements `./ws derive`: shows the desired state that follows from a roster and its history, as data or as text. It
 * changes nothing.
 */

import { derive as deriveDesired, type Derivation } from "../../roster/derive/derive.ts";
import { EMPTY_LEDGER, ledgerJson, loadLedger } from "../../roster/ledger.ts";
import { loadRoster } from "../../roster/load.ts";
import type { Day, Person, Policy, Problem } from "../../roster/model.ts";
import { DAY } from "../../roster/schema/patterns.ts";
import { canonicalJson, type Json } from "../../roster/text/canonical-json.ts";
import { sorted } from "../../roster/text/code-unit-order.ts";
import { type Command, readArgs, UsageError } from "../command.ts";
import { userMapFrom } from "../load-user-map.ts";
import { readInput } from "../read-input.ts";
import { fileReport, hasErrors, problemLines } from "../show-problems.ts";
import { policyOf, STACK_HELP, STACK_OPTIONS } from "../stack-options.ts";
import type { Terminal } from "../terminal.ts";

export const derive: Command = {
  help: `Usage: ./ws derive [--json] [--ledger FILE] [--k8s-users FILE] [--today YYYY-MM-DD] [--host NAME]… FILE

Derives everything that a deployment of this roster would bring about: people, offboarded users,
each host's generated files, the ledger, the plan in sentences. Changes nothing.

  --ledger FILE       the history: the value of "ledger" of an earlier run (default: no history)
  --k8s-users FILE    the cluster's user map (the JSON of k8s_users)
  --today YYYY-MM-DD  the day to judge "until" by (default: today, in UTC)
  --add-only          hold every removal back, as the stack's addsOnly does
  --adopt NAME        an account that exists and is taken over, as devvm.adoptExisting says; may be repeated
${STACK_HELP}
  --json              all of it as one JSON object, for programs

Exit code: 0 when derived, 1 with problems, 2 when called the wrong way.`,
  run: (args, terminal) => {
    const { values, positionals } = readArgs(args, {
      ...STACK_OPTIONS,
      json: { type: "boolean" },
      ledger: { type: "string" },
      "k8s-users": { type: "string" },
      today: { type: "string" },
      "add-only": { type: "boolean" },
      adopt: { type: "string", multiple: true },
    });
    const [file, ...more] = positionals;
    if (file === undefined || more.length > 0) throw new UsageError("derive expects one file, the roster");
    const policy = { ...policyOf(values), addsOnly: values["add-only"] === true, adoptExisting: values.adopt ?? [] };
    const result = deriveFrom({
      file,
      ledger: values.ledger,
      userMap: values["k8s-users"],
      today: dayOf(values.today),
      policy,
    });
    if ("problems" in result) {
      if (values.json === true) terminal.out(JSON.stringify(fileReport(file, result.problems)));
      else terminal.err(problemLines(result.problems, terminal.paintErr));
      return 1;
    }
    if (result.warnings.length > 0) terminal.err(problemLines(result.warnings, terminal.paintErr));
    for (const { message } of result.brakes)
      terminal.err(terminal.paintErr("yellow", `A deployment would stop: ${message}`));
    if (values.json === true) terminal.out(canonicalJson(derivationJson(result)).trimEnd());
    else show(result, terminal);
    return 0;
  },
};

interface Sources {
  readonly file: string;
  readonly ledger: string | undefined;
  readonly userMap: string | undefined;
  readonly today: Day;
  readonly policy: Policy;
}

function deriveFrom(sources: Sources): Derivation | { readonly problems: readonly Problem[] } {
  const { file, policy, today } = sources;
  const input = readInput(file);
  const loaded = input.ok ? loadRoster(input.bytes, file, policy) : { ok: false as const, problems: [input.problem] };
  const ledger = ledgerFrom(sources.ledger);
  const { userMap, problems: ofTheMap } = userMapFrom(sources.userMap);
  const problems = [...ofTheMap, ...(ledger.ok ? [] : ledger.problems), ...(loaded.ok ? [] : loaded.problems)];
  if (!loaded.ok || !ledger.ok || hasErrors(problems)) return { problems };
  const derived = deriveDesired({ roster: loaded.roster, userMap, ledger: ledger.ledger, policy, today });
  return derived.ok ? { ...derived, warnings: [...loaded.warnings, ...derived.warnings] } : derived;
}

function ledgerFrom(file: string | undefined): ReturnType<typeof loadLedger> {
  if (file === undefined) return { ok: true, ledger: EMPTY_LEDGER };
  const input = readInput(file);
  return input.ok ? loadLedger(input.bytes, file) : { ok: false, problems: [input.problem] };
}

function dayOf(given: string | undefined): Day {
  const day = given ?? new Date().toISOString().slice(0, 10);
  if (!DAY.pattern.test(day) || Number.isNaN(Date.parse(day)))
    throw new UsageError(`--today: expected a day such as 2027-01-31 but found "${day}"`);
  return day as Day;
}

/** People and hosts are keyed by names from outside, so they stay maps until they are text. */
function derivationJson({ desired, plan, brakes, heldBack }: Derivation): Json {
  return {
    people: new Map([...desired.people].map(([user, person]) => [user as string, personJson(person)])),
    left: sorted(desired.left.keys()),
    hosts: new Map([...desired.hosts].map(([host, { files }]) => [host as string, { files }])),
    ledger: ledgerJson(desired.ledger),
    plan,
    brakes: brakes.map(({ kind, people, message }) => ({ kind, people, message })),
    heldBack: heldBack.map(({ who, lost }) => ({ who, lost })),
  };
}

function personJson(person: Person): Json {
  const { osUser: _key, previously: _done, limits, quota, ports, forgejo, email, until, ...rest } = person;
  return {
    ...rest,
    email: email ?? null,
    ports: { ...ports },
    limits: { ...limits },
    quota: { ...quota },
    forgejo: forgejo === undefined ? null : { ...forgejo },
    until: until ?? null,
  };
}

function show({ desired, plan }: Derivation, { out, paint }: Terminal): void {
  const heading = (text: string) => out(paint("bold", text));
  heading("People");
  const rows = [...desired.people.values()].map((person) => [
    person.osUser,
    person.tier,
    person.host,
    `ports ${person.ports.t3} ${person.ports.browser}`,
    `uid ${person.uid}`,
    person.parked ? "parked" : "",
  ]);
  for (const line of table(rows)) out(`  ${line}`);
  if (rows.length === 0) out("  nobody");
  if (desired.left.size > 0) heading("Left");
  for (const person of desired.left.values())
    out(
      `  ${person.osUser}  since ${person.leftOn}, keeps ports ${person.ports.t3} ${person.ports.browser} and uid ${person.uid}`,
    );
  heading("Plan");
  for (const sentence of plan.length > 0 ? plan : ["Nothing changes."]) out(`  ${sentence}`);
  for (const [host, { files }] of desired.hosts) {
    for (const [path, text] of files) {
      heading(`${host}:${path}`);
      out(paint("dim", text.trimEnd().replace(/^/gm, "  ")));
    }
  }
}

function table(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
