/** Implements `tmux-persist restore [user]`: restores missing sessions from the newest record, or from a given one. */

import { Refusal, messageOf } from "../../lib/errors.ts";
import { info, warn } from "../../lib/log.ts";
import { startTerminalSocket } from "../services/start-terminal-socket.ts";
import type { User } from "../system/account-database.ts";
import type { System } from "../system/privileged-operations.ts";
import { type Asked, isDone } from "../../shared/sessions/restore-plan.ts";
import type { Outcome, Session } from "../../shared/sessions/session-schemas.ts";
import { restorable, sessionsAt } from "./compute-record.ts";
import { numberOfNewest, readNewest, readNumbered, seenAtMs } from "../state/session-records.ts";
import { recreateByWorker } from "./call-worker.ts";
import { type Running, sessionsRunning } from "./observe-sessions.ts";
import { uidsRunning } from "../accounts/find-processes.ts";
import { mayServe } from "../../shared/sessions/tmux-socket.ts";
import { forEachPerson, isParked, knownPerson, mappedPeople } from "../accounts/terminal-users.ts";
import { startServer } from "./start-tmux-server.ts";

export interface RestoreArgs {
  /** Everybody of the terminal map when absent. */
  readonly who?: string;
  /** An older record's number; the newest when absent. */
  readonly record?: number;
  /** Places in that record: only these sessions, which their owner has chosen. All that are not forgotten when absent. */
  readonly places?: readonly number[];
  /** One JSON object on standard output instead of sentences. */
  readonly json: boolean;
}

/** Exit code 1 when a person, or a session or its conversation that cannot be read now, could not be brought back. */
export async function restore(sys: System, { who, json, ...which }: RestoreArgs): Promise<number> {
  const people =
    who === undefined ? mappedPeople(sys).filter(({ name }) => isParked(sys, name) !== true) : [wakePerson(sys, who)];
  const serving = uidsRunning(sys, mayServe);
  const results = await forEachPerson(people, (user) => restoreWithTerminals(sys, user, which, serving), messageOf);
  if (json) process.stdout.write(`${JSON.stringify({ people: results })}\n`);
  else for (const result of results) "failed" in result ? complain(result) : report(result.who, result.found);
  return results.every((r) => !("failed" in r) && r.found.every(isDone)) ? 0 : 1;
}

/** @throws Refusal for a parked user: nothing of theirs runs, whoever asks. */
function wakePerson(sys: System, osUser: string): User {
  if (isParked(sys, osUser) === true)
    throw new Refusal(
      `${osUser} is parked on this host, so nothing is restored; take \`parked\` out of their row and deploy`,
    );
  return knownPerson(sys, osUser);
}

type Which = Pick<RestoreArgs, "record" | "places">;

/** The portal sends a person here whose terminals cannot be opened; their sessions come back either way. */
async function restoreWithTerminals(
  sys: System,
  user: User,
  which: Which,
  serving: ReadonlySet<number>,
): Promise<readonly Outcome[]> {
  await startTerminalSocket(sys, user.name).catch((error: unknown) =>
    warn(`${user.name}: the socket of their terminals was not started: ${messageOf(error)}`),
  );
  return await restoreOne(sys, user, which, serving);
}

async function restoreOne(
  sys: System,
  user: User,
  which: Which,
  serving: ReadonlySet<number>,
): Promise<readonly Outcome[]> {
  const asked = askedFor(sys, user.name, which);
  const { sessions } = asked;
  if (sessions.length === 0) return [];
  const running = await sessionsRunning(sys, user, serving);
  if (running !== "none") {
    if (sessions.every((session) => goesOn(session, running)))
      return sessions.map(({ name }) => ({ name, how: "there" }));
    const first = await recreateByWorker(sys, user, asked, false);
    if (first.server === "running") {
      if (first.revived !== undefined) warn(`${user.name}: ${first.revived}`);
      return first.outcomes;
    }
  }
  await startServer(sys, user);
  const second = await recreateByWorker(sys, user, asked, true);
  if (second.server === "running") return second.outcomes;
  throw new Refusal("the tmux server was started, but does not answer; see the journal of the tmux-server unit");
}

/**
 * Certainly also with its conversation: whether that one is open elsewhere, or waits in a shell until it can be read, their
 * worker finds out.
 */
const goesOn = ({ name, conversation }: Session, running: readonly Running[]): boolean =>
  running.some(
    (one) =>
      one.name === name &&
      (conversation === undefined || (one.conversation === conversation && one.assistantRuns === true)),
  );

function askedFor(sys: System, osUser: string, { record, places }: Which): Asked {
  const number = record ?? numberOfNewest(sys, osUser);
  if (number === undefined) return { sessions: [], seenAtMs: 0, chosen: false };
  const found = readNumbered(sys, osUser, number);
  const seen = seenAtMs(sys, osUser, { number, takenAtMs: found.takenAtMs });
  if (places !== undefined) return { sessions: sessionsAt(found, number, places), seenAtMs: seen, chosen: true };
  const newest = readNewest(sys, osUser) ?? found;
  return { sessions: restorable(found, newest), seenAtMs: seen, chosen: false };
}

const complain = ({ who, failed }: { readonly who: string; readonly failed: string }): void =>
  warn(`${who}: sessions not restored: ${failed}`);

function report(osUser: string, outcomes: readonly Outcome[]): void {
  if (outcomes.every(({ how, why }) => how === "there" && why === undefined)) info(`${osUser}: nothing to restore`);
  for (const { name, how, why, unread } of outcomes) {
    if (how === "there" && why === undefined) continue;
    if (how === "there") warn(`${osUser}: ${name}: left alone: ${why}`);
    else if (how === "failed") warn(`${osUser}: ${name}: not restored: ${why ?? "tmux refused it"}`);
    else {
      const what = how === "conversation" ? "its conversation" : "a shell";
      const report = unread === true ? warn : info;
      report(`${osUser}: ${name}: restored with ${what}${why === undefined ? "" : `: ${why}`}`);
    }
  }
}
