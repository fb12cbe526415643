/**
 * Recreates the sessions that are missing. What exists is left as it is, so it can run at boot, after a crash, and
 * twice.
 */

import { setTimeout as pause } from "node:timers/promises";
import { Refusal } from "../../lib/errors.ts";
import { describeFailure } from "../../lib/exec.ts";
import { literal, nameToGive } from "./tmux-names.ts";
import type { Outcome, Recreation, SessionsTask } from "../../shared/sessions/session-schemas.ts";
import { type Asked, planRestore, type Present, type Prospect } from "../../shared/sessions/restore-plan.ts";
import { socketFolder } from "../../shared/sessions/tmux-socket.ts";
import type { PersonHere, Tmux } from "./tmux-client.ts";
import { type Answer, askReviving } from "./revive-socket.ts";
import { offerAgain } from "./forgotten-sessions.ts";
import { holdingLock } from "./hold-lock.ts";
import { LONGEST_BATCH, runBatches } from "./run-batches.ts";
import { NAMES, presentState } from "./present-state.ts";
import { tryScope } from "./try-scope.ts";
import { PANE, UNREAD_OPTION, unusedSessions } from "./unused-sessions.ts";

const RESUME = "/usr/lib/workstation/resume";

/** A server that was started without a session stays without one until this is set. */
const ENDS_WITH_LAST = ["set-option", "-s", "exit-empty", "on"] as const;

/** Each pane, whether its program has ended, and with what the assistant that `resume` started in it ended. */
const PANES = ["list-panes", "-a", "-F", "#{pane_id} #{pane_dead} #{@workstation_resume_ended}"] as const;

const SERVER_WAIT_MS = 5000;
const PAUSE_MS = 30;
/** Within this time a program ends that cannot start, and a configuration has started what it starts in its sessions. */
const MOMENT_MS = 500;
/** How many sessions a client is asked for at once, far below what one message to the server holds. */
const AT_ONCE = 8;

export async function recreate(
  tmux: Tmux,
  person: PersonHere,
  task: Asked & Pick<Extract<SessionsTask, { do: "recreate" }>, "started">,
): Promise<Recreation> {
  const first = task.started ? await socketAppears(tmux) : await askReviving(tmux, person.uid, NAMES, true);
  if (first.answer === undefined) return { server: "none" };
  // What runs in the other server is not seen, so its conversations would be opened a second time.
  if (first.beside !== undefined) throw new Refusal(first.beside);
  // The server has made its folder. Another restore of theirs waits, so that no conversation is opened by both.
  try {
    return await holdingLock(socketFolder(person.uid), async () => {
      const names = task.sessions.map(({ name }) => name);
      if (task.chosen) await offerAgain(person.home, names);
      const present = task.started ? await presentAfterStart(tmux, person) : await presentState(tmux, person);
      if (present === undefined) return { server: "none" };
      const outcomes = await recreateMissing(tmux, person, planRestore(task, present), task.started);
      return { server: "running", outcomes, ...(first.revived === undefined ? {} : { revived: first.revived }) };
    });
  } catch (error) {
    if (task.started) await tmux.try(ENDS_WITH_LAST);
    throw error;
  }
}

/** Their configuration may have made sessions on a server that was just started. @returns undefined where it does not answer */
async function presentAfterStart(tmux: Tmux, person: PersonHere): Promise<Present | undefined> {
  const names = await soon(() => tmux.ask(NAMES));
  if (names === undefined) return undefined;
  const present = await presentState(tmux, person, names);
  if (present.running.size === 0) return present;
  await pause(MOMENT_MS);
  return { ...(await presentState(tmux, person)), unused: await unusedSessions(tmux, person, "configuration") };
}

async function recreateMissing(
  tmux: Tmux,
  person: PersonHere,
  plan: readonly Prospect[],
  started: boolean,
): Promise<Outcome[]> {
  const missing = plan.filter(isStart);
  if (missing.length > 1) await tryScope(person);
  const made = await allAtOnce(
    tmux,
    missing.filter(({ inside }) => inside === undefined),
  );
  const outcomes = new Map<string, Outcome>();
  const opened = new Map<string, Made>();
  for (const start of missing) {
    const { name } = start.session;
    const one = made.get(name) ?? (await (start.inside === undefined ? byItself(tmux, start) : asWindow(tmux, start)));
    if ("pane" in one) opened.set(name, one);
    else outcomes.set(name, one);
  }
  const unattached = await setOptions(tmux, opened, plan.filter(isWaiting), started);
  const ends = await endsOf(tmux, opened, unattached);
  for (const [name, { start }] of opened) outcomes.set(name, { ...outcomeOf(start), ...ends.get(name) });
  return plan.flatMap((prospect): Outcome[] => {
    const { name } = prospect.session;
    const outcome = outcomes.get(name);
    if (outcome !== undefined) return [outcome];
    const { state, why, unread, inside } = prospect;
    if (state === "forgotten") return [];
    // On a server that was just started it is no session of theirs that goes on, so its conversation is lost from sight.
    const isLost = started && (state === "name in use" || unread === true);
    const isTriedAgain = unread === true && inside !== undefined;
    const how = isLost || isTriedAgain ? "failed" : "there";
    return [{ name, how, ...(why === undefined ? {} : { why }) }];
  });
}

type Start = Extract<Prospect, { state: "conversation" | "shell" }>;

const isStart = (prospect: Prospect): prospect is Start =>
  prospect.state === "conversation" || prospect.state === "shell";

/** One whose conversation stays with the unused session of its name until it can be read. */
type Waiting = Prospect & { readonly conversation: string; readonly inside: string };

const isWaiting = (prospect: Prospect): prospect is Waiting =>
  !isStart(prospect) && prospect.conversation !== undefined && prospect.inside !== undefined;

/** What was opened for one recorded session. */
interface Made {
  readonly start: Start;
  /** tmux's id of the session, or of the window in one that was there. */
  readonly id: string;
  /** tmux's id of the pane in it. */
  readonly pane: string;
}

/** @returns what their option `destroy-unattached` is, where it ends sessions to which nobody is attached */
async function setOptions(
  tmux: Tmux,
  opened: ReadonlyMap<string, Made>,
  waiting: readonly Waiting[],
  started: boolean,
): Promise<string | undefined> {
  const wait = (id: string) => ["set-option", "-q", "-t", id, UNREAD_OPTION, "1"];
  // The launcher's own option, so that the next save finds the conversation at once.
  const keep = (id: string, of: string) => ["set-option", "-q", "-t", id, "@workstation_conversation", of];
  const printed = await runBatches(tmux, [
    ...(opened.size === 0 ? [] : [["show-options", "-g", "destroy-unattached"]]),
    // A server that is started without a session stays without one; from now on it ends with its last, as everybody's does.
    ...(started ? [ENDS_WITH_LAST] : []),
    ...[...opened.values()].flatMap(({ id, start: { conversation, inside, unread } }) => [
      ...(conversation === undefined ? [] : [keep(id, conversation)]),
      ...(unread === true ? [wait(id)] : []),
      ...(inside === undefined ? [] : [["set-option", "-q", "-u", "-t", inside, UNREAD_OPTION]]),
    ]),
    ...waiting.flatMap(({ conversation, inside }) => [keep(inside, conversation), wait(inside)]),
  ]);
  const value = /^destroy-unattached (\S+)$/m.exec(printed)?.[1];
  return value === "off" ? undefined : value;
}

/**
 * What was made need not be there a moment later, so it is looked at again before that is reported: once for all of it.
 *
 * @returns by name, what has become of those that are not as they were made
 */
async function endsOf(
  tmux: Tmux,
  opened: ReadonlyMap<string, Made>,
  unattached: string | undefined,
): Promise<ReadonlyMap<string, Pick<Outcome, "how" | "why">>> {
  if (opened.size === 0) return new Map();
  await pause(MOMENT_MS);
  const ran = await tmux.try(PANES);
  const left = new Map(
    ran.stdout.split("\n").map((line) => {
      const [pane = "", isDead, code = ""] = line.split(" ");
      return [pane, { isDead: isDead === "1", code }] as const;
    }),
  );
  return new Map(
    [...opened].flatMap(([name, { pane }]) => {
      const end = endOf(left.get(pane), ran.timedOut, unattached);
      return end === undefined ? [] : [[name, end] as const];
    }),
  );
}

function endOf(
  pane: { readonly isDead: boolean; readonly code: string } | undefined,
  isUnanswered: boolean,
  unattached: string | undefined,
): Pick<Outcome, "how" | "why"> | undefined {
  const failed = (why: string) => ({ how: "failed", why }) as const;
  if (isUnanswered) return failed("tmux did not answer when it was looked at again");
  if (pane === undefined && unattached !== undefined)
    return failed(`tmux ended it at once, since their option destroy-unattached is ${unattached}`);
  if (pane === undefined) return failed("it ended at once");
  if (pane.isDead) return failed("its program ended at once; its pane shows what that said");
  return pane.code === "" ? undefined : { how: "shell", why: `the assistant ended with ${pane.code}` };
}

/** A server that was just started makes its socket. Nobody's client is started to see that. */
async function socketAppears(tmux: Tmux): Promise<Answer> {
  return { answer: await soon(async () => (tmux.hasSocket() ? "" : undefined)) };
}

/** Undefined where there is still nothing when the wait for a server is over. */
async function soon<T>(look: () => Promise<T | undefined>): Promise<T | undefined> {
  const until = Date.now() + SERVER_WAIT_MS;
  for (;;) {
    const found = await look();
    if (found !== undefined || Date.now() >= until) return found;
    await pause(PAUSE_MS);
  }
}

/** tmux's command; a name that tmux escapes may have to be given in another way. */
function newSession(start: Start, sessionName: string): readonly string[] {
  const told = ["-d", "-P", "-F", "#{session_id} #{pane_id} #{session_name}"];
  return ["new-session", ...told, "-s", sessionName, ...programOf(start)];
}

const programOf = ({ directory, resume }: Start): readonly string[] => [
  ...["-c", literal(directory)],
  ...(resume === undefined ? [] : ["--", PANE, "-c", `exec ${RESUME} ${resume}`]),
];

const TOLD = /^(\$\d+) (%\d+) (.*)$/;

/** What plainly worked, by name. A command that fails takes those behind it along, so the rest is to be tried. */
async function allAtOnce(tmux: Tmux, starts: readonly Start[]): Promise<ReadonlyMap<string, Made>> {
  const made = new Map<string, Made>();
  for (let from = 0; from < starts.length; from += AT_ONCE) {
    const batch = starts.slice(from, from + AT_ONCE);
    const argv = batch.flatMap((start) => [";", ...newSession(start, nameToGive(start.session.name))]).slice(1);
    if (batch.length < 2 || Buffer.byteLength(argv.join(" ")) > LONGEST_BATCH) continue;
    const lines = (await tmux.try(argv)).stdout.split("\n").slice(0, -1);
    for (const [at, line] of lines.entries()) {
      const [, id, pane = "", got = ""] = TOLD.exec(line) ?? [];
      const start = batch[at];
      if (id === undefined || start === undefined) break;
      if (got === start.session.name) made.set(got, { start, id, pane });
      else await tmux.try(["kill-session", "-t", id]);
    }
  }
  return made;
}

/** What was made, or what became of it instead. */
async function byItself(tmux: Tmux, start: Start): Promise<Made | Outcome> {
  const { name } = start.session;
  let last = "tmux gives it another name";
  // A tmux that escapes names wants the escapes undone; one that does not wants the name as it is.
  for (const sessionName of new Set([nameToGive(name), literal(name)])) {
    const made = await tmux.try(newSession(start, sessionName));
    const [, id, pane = "", got] = TOLD.exec(made.stdout.replace(/\n$/, "")) ?? [];
    if (made.code === 0 && id !== undefined && got === name) return { start, id, pane };
    if (id !== undefined) await tmux.try(["kill-session", "-t", id]);
    else if (/^duplicate session: /.test(made.stderr)) return madeMeanwhile(start);
    else last = describeFailure({ ...made, argv: ["tmux new-session"] });
  }
  return { name, how: "failed", why: last };
}

/** By somebody else, after the look at what runs: it holds no conversation that this restore knows of. */
const madeMeanwhile = ({ session: { name, conversation } }: Start): Outcome =>
  conversation === undefined
    ? { name, how: "there" }
    : { name, how: "failed", why: "a session of that name was made at the same time; restore it again" };

/** In front of what the session holds, all of which stays. @returns what was made, or why there is nothing */
async function asWindow(tmux: Tmux, start: Start): Promise<Made | Outcome> {
  const told = ["-P", "-F", "#{window_id} #{pane_id}", "-t", `${start.inside}:`];
  const made = await tmux.try(["new-window", ...told, ...programOf(start)]);
  const [, id, pane] = /^(@\d+) (%\d+)$/.exec(made.stdout.trim()) ?? [];
  if (made.code === 0 && id !== undefined && pane !== undefined) return { start, id, pane };
  const why = describeFailure({ ...made, argv: ["tmux new-window"] });
  return { name: start.session.name, how: "failed", why };
}

function outcomeOf({ session: { name }, state, why, unread }: Start): Outcome {
  return { name, how: state, ...(why === undefined ? {} : { why }), ...(unread === undefined ? {} : { unread }) };
}
