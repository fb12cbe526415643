/** Brings back the sessions that are missing; what exists is left alone, so it is safe at boot, after a loss, and twice. */

import { statSync } from "node:fs";
import { systemCode } from "../../refusal.ts";
import { story } from "../../run.ts";
import { literal, nameToGive } from "../names.ts";
import type { Outcome, Recreation, Session, SessionsTask } from "../model.ts";
import { pathBytes } from "../path.ts";
import type { PersonHere, Tmux } from "./tmux.ts";
import { hasTranscript } from "./transcripts.ts";

const PANE = "/usr/lib/workstation/pane";
const RESUME = "/usr/lib/workstation/resume";
const NAMES = ["list-sessions", "-F", "#{session_name}"] as const;

const SERVER_WAIT_MS = 5000;
const PAUSE_MS = 30;

export async function recreate(
  tmux: Tmux,
  person: PersonHere,
  task: Extract<SessionsTask, { do: "recreate" }>,
): Promise<Recreation> {
  const listing = await listed(tmux, task.started);
  if (listing === undefined) return { server: "none" };
  const there = new Set(listing.split("\n"));
  const outcomes: Outcome[] = [];
  for (const session of task.sessions) {
    // Exactly that name: tmux itself would also take a prefix for it.
    if (there.has(session.name)) outcomes.push({ name: session.name, how: "there" });
    else outcomes.push(await bringBack(tmux, person, session));
  }
  // A server that is started without a session stays without one; from now on it ends with its last, as everybody's does.
  if (task.started) await tmux.try(["set-option", "-s", "exit-empty", "on"]);
  return { server: "running", outcomes };
}

async function listed(tmux: Tmux, started: boolean): Promise<string | undefined> {
  const until = Date.now() + (started ? SERVER_WAIT_MS : 0);
  for (;;) {
    const listing = await tmux.ask(NAMES);
    if (listing !== undefined || Date.now() >= until) return listing;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

interface Start {
  readonly directory: string;
  /** What runs in it instead of a plain shell: a word for `resume`. */
  readonly word?: string;
  readonly why?: string;
}

async function bringBack(tmux: Tmux, person: PersonHere, session: Session): Promise<Outcome> {
  const { name } = session;
  const start = startOf(person, session);
  const command = start.word === undefined ? [] : ["--", PANE, "-c", `exec ${RESUME} ${start.word}`];
  let last = "tmux gives it another name";
  // A tmux that escapes names wants the escapes undone; one that does not wants the name as it is.
  for (const given of new Set([nameToGive(name), literal(name)])) {
    const where = ["-s", given, "-c", literal(start.directory)];
    const made = await tmux.try([
      "new-session",
      "-d",
      "-P",
      "-F",
      "#{session_id} #{session_name}",
      ...where,
      ...command,
    ]);
    const [, id, got] = /^(\$\d+) (.*)\n$/s.exec(made.stdout) ?? [];
    if (made.code === 0 && id !== undefined && got === name) return finished(tmux, session, id, start);
    if (id !== undefined) await tmux.try(["kill-session", "-t", id]);
    else if (/^duplicate session: /.test(made.stderr)) return { name, how: "there" };
    else last = story({ ...made, argv: ["tmux new-session"] });
  }
  return { name, how: "failed", why: last };
}

/** The launcher's own option, so that the next save finds the conversation at once. */
async function finished(tmux: Tmux, { name, conversation }: Session, id: string, start: Start): Promise<Outcome> {
  if (conversation === undefined || start.why !== undefined)
    return { name, how: "shell", ...(start.why === undefined ? {} : { why: start.why }) };
  await tmux.try(["set-option", "-t", id, "@workstation_conversation", conversation]);
  return { name, how: "conversation" };
}

function startOf({ home }: PersonHere, { directory, conversation }: Session): Start {
  const bytes = pathBytes(directory);
  const path = bytes.toString("utf8");
  if (!path.startsWith("/") || !Buffer.from(path, "utf8").equals(bytes) || !isDirectory(path))
    return { directory: home, word: "directory", why: "its directory is gone, so it begins in the home" };
  if (conversation === undefined) return { directory: path };
  // Its record is filed by the directory, so it is resumed from there or not at all.
  if (!hasTranscript(home, path, conversation))
    return { directory: path, word: "transcript", why: `the record of its conversation ${conversation} is gone` };
  return { directory: path, word: conversation };
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "EACCES", "ELOOP", "ENAMETOOLONG"].includes(systemCode(error) ?? "")) return false;
    throw error;
  }
}
