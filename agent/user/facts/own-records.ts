/** Implements `ws-me records`, `restore` and `forget`: a user's own saved records of sessions, with their own rights. */

import { Refusal } from "../../lib/errors.ts";
import { clean } from "../../lib/log.ts";
import { ageOf, comesBack, counted, prospectText } from "../../shared/facts/format.ts";
import type { History, OwnFile, RecordFact } from "../../shared/facts/facts-schemas.ts";
import { type Asked, isDone } from "../../shared/sessions/restore-plan.ts";
import type { OfferedRecord, Outcome } from "../../shared/sessions/session-schemas.ts";
import { forgetSessions } from "../sessions/forget-sessions.ts";
import { offerAgain } from "../sessions/forgotten-sessions.ts";
import { recordFacts, withForgotten } from "../sessions/record-facts.ts";
import { recreate } from "../sessions/recreate-sessions.ts";
import { startOwnServer } from "../sessions/start-own-server.ts";
import { type PersonHere, tmuxOf } from "../sessions/tmux-client.ts";

export async function printRecords(own: OwnFile, json: boolean): Promise<number> {
  historyOf(own);
  const records = await recordFacts(own.task, new Set());
  if ("failed" in records) throw new Refusal(`your sessions cannot be looked at: ${records.failed}`);
  if (json) print(JSON.stringify({ records }));
  else for (const line of linesOfRecords(records, Date.now())) print(clean(line));
  return 0;
}

/** Exported for the tests: what is printed. */
export function linesOfRecords(records: readonly RecordFact[], nowMs: number): readonly string[] {
  if (records.length === 0) return ["Nothing is saved yet: a save runs every five minutes."];
  const width = Math.max(...records.flatMap(({ sessions }) => sessions.map(({ name }) => name.length)), 0);
  return records.flatMap(({ number, takenAtMs, sessions }) => {
    const back = sessions.filter(comesBack).length;
    const head = `record ${number}, ${ageOf(nowMs - takenAtMs)} ago: ${counted(sessions.length, "session")}, ${back} would come back`;
    return [head, ...sessions.map((session) => `  ${session.name.padEnd(width)}  ${prospectText(session)}`)];
  });
}

export interface RestoreArgs {
  /** The newest one when absent. */
  readonly record?: number;
  /** All that are not forgotten when there is none. */
  readonly names: readonly string[];
  readonly json: boolean;
}

/** Exit code 1 when a session, or its conversation that cannot be read now, could not be brought back. */
export async function restoreOwn(own: OwnFile, { record, names, json }: RestoreArgs): Promise<number> {
  const asked = askedFor(historyOf(own), record, names);
  const outcomes = asked.sessions.length === 0 ? [] : await recreateOwn(personOf(own), asked);
  if (json) print(JSON.stringify({ found: outcomes }));
  else for (const line of linesOfOutcomes(outcomes)) print(clean(line));
  return outcomes.every(isDone) ? 0 : 1;
}

/** Exported for the tests. @throws Refusal for a record or a session that is not there */
export function askedFor({ records, forgotten }: History, number: number | undefined, names: readonly string[]): Asked {
  const record = number === undefined ? records[0] : records.find((one) => one.number === number);
  if (record === undefined) throw new Refusal(number === undefined ? "nothing is saved yet" : missing(records, number));
  const { sessions, seenAtMs } = record;
  if (names.length > 0) {
    const unknown = names.find((name) => !sessions.some((session) => session.name === name));
    if (unknown !== undefined)
      throw new Refusal(`record ${record.number} has no session "${unknown}"; see \`ws-me records\``);
    return { sessions: sessions.filter(({ name }) => names.includes(name)), seenAtMs, chosen: true };
  }
  const byAdmin = withForgotten({ forgotten: new Map() }, { forgotten }).forgotten;
  return { sessions: sessions.filter(({ name }) => (byAdmin.get(name) ?? 0) < seenAtMs), seenAtMs, chosen: false };
}

const missing = (records: readonly OfferedRecord[], number: number): string =>
  `record ${number} is not one of those to choose from: ${records.map((record) => record.number).join(", ") || "there is none"}`;

async function recreateOwn(person: PersonHere, asked: Asked): Promise<readonly Outcome[]> {
  const tmux = tmuxOf(person);
  const first = await recreate(tmux, person, { ...asked, started: false });
  if (first.server === "running") return first.outcomes;
  await startOwnServer(person);
  const second = await recreate(tmux, person, { ...asked, started: true });
  if (second.server === "running") return second.outcomes;
  throw new Refusal("your tmux server was started, but does not answer; try `tmux list-sessions`");
}

function linesOfOutcomes(outcomes: readonly Outcome[]): readonly string[] {
  if (outcomes.every(({ how, why }) => how === "there" && why === undefined)) return ["nothing to restore"];
  return outcomes.flatMap(({ name, how, why }) => {
    if (how === "there") return why === undefined ? [] : [`${name}: left alone: ${why}`];
    const what =
      how === "failed" ? "not restored" : `restored with ${how === "conversation" ? "its conversation" : "a shell"}`;
    return [`${name}: ${what}${why === undefined ? "" : `: ${why}`}`];
  });
}

export interface ForgetArgs {
  readonly names: readonly string[];
  /** Offers them again instead. */
  readonly undo: boolean;
  readonly json: boolean;
}

/** Exit code 1 when one of them was left as it was. */
export async function forgetOwn(own: OwnFile, { names, undo, json }: ForgetArgs): Promise<number> {
  const { records } = historyOf(own);
  const recorded = new Set(records.flatMap(({ sessions }) => sessions.map(({ name }) => name)));
  const unknown = names.find((name) => !recorded.has(name));
  if (unknown !== undefined) throw new Refusal(`no saved record has a session "${unknown}"; see \`ws-me records\``);
  const person = personOf(own);
  const done = undo
    ? { offered: await offerAgain(person.home, names) }
    : await forgetSessions(tmuxOf(person), person, names, Date.now());
  const changed = "offered" in done ? done.offered : done.forgotten;
  if (json) print(JSON.stringify(done));
  else
    for (const name of names) {
      const [yes, no] = undo
        ? ["offered again", "it was not forgotten"]
        : ["forgotten", "it runs, so it is not forgotten"];
      print(clean(`${name}: ${changed.includes(name) ? yes : no}`));
    }
  return names.every((name) => changed.includes(name)) ? 0 : 1;
}

const personOf = ({ task }: OwnFile): PersonHere => ({ uid: task.uid, home: `/home/${task.osUser}` });

/** @throws Refusal for a parked user: nothing of theirs runs, whoever asks. */
function historyOf({ known, task }: OwnFile): History {
  if (known.state !== "present" || task.history === undefined)
    throw new Refusal("your workstation is parked, so nothing is started in it; ask an admin to unpark it");
  return task.history;
}

const print = (line: string): void => void process.stdout.write(`${line}\n`);
