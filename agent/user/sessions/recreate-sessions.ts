/**
 * Recreates the sessions that are missing. What exists is left as it is, so it can run at boot, after a crash, and
 * twice.
 */

import { statSync } from "node:fs";
import { systemCode } from "../../lib/errors.ts";
import { describeFailure } from "../../lib/exec.ts";
import { literal, nameToGive } from "./tmux-names.ts";
import type { Outcome, Recreation, Session, SessionsTask } from "../../shared/sessions/session-schemas.ts";
import { pathBytes } from "../../shared/sessions/path-encoding.ts";
import type { PersonHere, Tmux } from "./tmux-client.ts";
import { type Answer, askReviving } from "./revive-socket.ts";
import { hasTranscript } from "./find-transcripts.ts";

const PANE = "/usr/lib/workstation/pane";
const RESUME = "/usr/lib/workstation/resume";
const NAMES = ["list-sessions", "-F", "#{session_name}"] as const;

const SERVER_WAIT_MS = 5000;
const PAUSE_MS = 30;
/** How many sessions a client is asked for at once, far below what one message to the server holds. */
const AT_ONCE = 8;
const LONGEST_BATCH = 8000;

export async function recreate(
  tmux: Tmux,
  person: PersonHere,
  task: Extract<SessionsTask, { do: "recreate" }>,
): Promise<Recreation> {
  const { answer: listing, revived } = await listed(tmux, person, task.started);
  if (listing === undefined) return { server: "none" };
  const there = new Set(listing.split("\n"));
  // Exactly that name: tmux itself would also take a prefix for it.
  const missing = task.sessions.filter(({ name }) => !there.has(name)).map((s) => startOf(person, s));
  const made = await allAtOnce(tmux, missing);
  const outcomes = new Map<string, Outcome>();
  const ids = new Map<string, string>();
  const options: string[][] = [];
  for (const start of missing) {
    const { name, conversation } = start.session;
    const id = made.get(name) ?? (await byItself(tmux, start));
    if (typeof id === "string") ids.set(name, id);
    outcomes.set(name, typeof id === "string" ? outcomeOf(start) : id);
    // The launcher's own option, so that the next save finds the conversation at once.
    if (typeof id === "string" && conversation !== undefined && start.why === undefined)
      options.push([";", "set-option", "-q", "-t", id, "@workstation_conversation", conversation]);
  }
  const ends = await finish(tmux, ids, task.started, options);
  for (const [name, why] of ends) outcomes.set(name, { name, how: "failed", why });
  return {
    server: "running",
    outcomes: task.sessions.map(({ name }) => outcomes.get(name) ?? { name, how: "there" }),
    ...(revived === undefined ? {} : { revived }),
  };
}

/**
 * Sets the options of what was made. A session that was made need not be there a moment later, so it is looked at again
 * before that is reported.
 *
 * @returns the names of those that have ended, with the reason
 */
async function finish(
  tmux: Tmux,
  made: ReadonlyMap<string, string>,
  started: boolean,
  options: readonly (readonly string[])[],
): Promise<readonly (readonly [string, string])[]> {
  const unattached = made.size === 0 ? [] : [";", "show-options", "-g", "-v", "destroy-unattached"];
  // A server that is started without a session stays without one; from now on it ends with its last, as everybody's does.
  const exits = started ? [";", "set-option", "-s", "exit-empty", "on"] : [];
  const rest = [...unattached, ...exits, ...options.flat()].slice(1);
  const value = rest.length > 0 ? (await tmux.try(rest)).stdout.split("\n")[0] : undefined;
  if (made.size === 0) return [];
  const now = await tmux.try(["list-sessions", "-F", "#{session_id}"]);
  const there = new Set(now.code === 0 ? now.stdout.split("\n") : []);
  const why =
    value === undefined || ["", "off"].includes(value)
      ? "it ended at once"
      : `tmux ended it at once, since their option destroy-unattached is ${value}`;
  return [...made].filter(([, id]) => !there.has(id)).map(([name]) => [name, why]);
}

async function listed(tmux: Tmux, { uid }: PersonHere, started: boolean): Promise<Answer> {
  if (!started) return askReviving(tmux, uid, NAMES, true);
  const until = Date.now() + SERVER_WAIT_MS;
  for (;;) {
    const answer = await tmux.ask(NAMES);
    if (answer !== undefined || Date.now() >= until) return { answer };
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

interface Start {
  readonly session: Session;
  readonly directory: string;
  /** What runs in it instead of a plain shell: words for `resume`. */
  readonly word?: string;
  readonly why?: string;
}

/** tmux's command; a name that tmux escapes may have to be given in another way. */
function newSession({ directory, word }: Start, given: string): readonly string[] {
  const command = word === undefined ? [] : ["--", PANE, "-c", `exec ${RESUME} ${word}`];
  const told = ["-d", "-P", "-F", "#{session_id} #{session_name}"];
  return ["new-session", ...told, "-s", given, "-c", literal(directory), ...command];
}

const TOLD = /^(\$\d+) (.*)$/;

/** What plainly worked, by name: tmux's ids. A command that fails takes those behind it along, so the rest is to be tried. */
async function allAtOnce(tmux: Tmux, starts: readonly Start[]): Promise<ReadonlyMap<string, string>> {
  const made = new Map<string, string>();
  for (let from = 0; from < starts.length; from += AT_ONCE) {
    const batch = starts.slice(from, from + AT_ONCE);
    const argv = batch.flatMap((start) => [";", ...newSession(start, nameToGive(start.session.name))]).slice(1);
    if (batch.length < 2 || Buffer.byteLength(argv.join(" ")) > LONGEST_BATCH) continue;
    const lines = (await tmux.try(argv)).stdout.split("\n").slice(0, -1);
    for (const [at, line] of lines.entries()) {
      const [, id, got = ""] = TOLD.exec(line) ?? [];
      if (id === undefined) break;
      if (got === batch[at]?.session.name) made.set(got, id);
      else await tmux.try(["kill-session", "-t", id]);
    }
  }
  return made;
}

/** tmux's id, or what became of it instead. */
async function byItself(tmux: Tmux, start: Start): Promise<string | Outcome> {
  const { name } = start.session;
  let last = "tmux gives it another name";
  // A tmux that escapes names wants the escapes undone; one that does not wants the name as it is.
  for (const given of new Set([nameToGive(name), literal(name)])) {
    const made = await tmux.try(newSession(start, given));
    const [, id, got] = TOLD.exec(made.stdout.replace(/\n$/, "")) ?? [];
    if (made.code === 0 && id !== undefined && got === name) return id;
    if (id !== undefined) await tmux.try(["kill-session", "-t", id]);
    else if (/^duplicate session: /.test(made.stderr)) return { name, how: "there" };
    else last = describeFailure({ ...made, argv: ["tmux new-session"] });
  }
  return { name, how: "failed", why: last };
}

function outcomeOf({ session: { name, conversation }, why }: Start): Outcome {
  if (why !== undefined) return { name, how: "shell", why };
  return { name, how: conversation === undefined ? "shell" : "conversation" };
}

function startOf({ home }: PersonHere, session: Session): Start {
  const { directory, conversation, assistantFolder } = session;
  const bytes = pathBytes(directory);
  const path = bytes.toString("utf8");
  if (!path.startsWith("/") || !Buffer.from(path, "utf8").equals(bytes) || !isDirectory(path))
    return { session, directory: home, word: "directory", why: "its directory is gone, so it starts in the home" };
  if (conversation === undefined) return { session, directory: path };
  // Its record is filed by the directory, so it is resumed from there or not at all.
  const folder = assistantFolder === undefined ? `${home}/.claude` : pathBytes(assistantFolder).toString("utf8");
  if (!hasTranscript(folder, path, conversation))
    return {
      session,
      directory: path,
      word: "transcript",
      why: `the transcript of its conversation ${conversation} is gone`,
    };
  const words = assistantFolder === undefined ? conversation : `${conversation} ${quoted(folder)}`;
  return { session, directory: path, word: words };
}

/** For a shell, which takes it as it is. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "EACCES", "ELOOP", "ENAMETOOLONG"].includes(systemCode(error) ?? "")) return false;
    throw error;
  }
}
