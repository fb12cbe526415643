/** Plans what a restore would do with each recorded session, from what runs now. Pure. */

import { pathBytes } from "./path-encoding.ts";
import type { Outcome, Session } from "./session-schemas.ts";

/** Where a conversation is open, or what else keeps it from being opened. */
export interface OpenIn {
  /** Each place of which that holds, for a sentence. */
  readonly where: readonly string[];
  /** `possible`: nothing tells that it is not open there. `waiting`: a shell keeps it in which nothing runs. */
  readonly state: "open" | "possible" | "waiting";
}

/** What their owner's own process found. */
export interface Present {
  readonly home: string;
  /** The sessions that run, by name: the conversation that is certainly theirs. */
  readonly running: ReadonlyMap<string, string | undefined>;
  /**
   * Those of them that their configuration has made, or a restore that could not read all, and in which nothing has run yet:
   * tmux's id by name.
   */
  readonly unused?: ReadonlyMap<string, string>;
  /** The conversations that are open, and where: they are never opened a second time. */
  readonly open: ReadonlyMap<string, OpenIn>;
  /** By name, when their owner has forgotten a session, in ms since 1970. */
  readonly forgotten: ReadonlyMap<string, number>;
  /** `is gone`, or that it cannot be read and why; undefined where it is there. */
  missingDirectory(path: string): string | undefined;
  /** The same of the transcript from which that conversation can be resumed in the directory. */
  missingTranscript(assistantFolder: string, directory: string, conversation: string): string | undefined;
}

/** What becomes of one session: it is started, or left alone for a reason. */
export type Prospect = {
  readonly session: Session;
  readonly why?: string;
  /** Something that it needs cannot be read now, so it is to be tried again. */
  readonly unread?: true;
  /** Which conversation the next save is to find in it. */
  readonly conversation?: string;
  /** tmux's id of the unused session in which it gets a window, or waits; a session of its own where absent. */
  readonly inside?: string;
} & (
  | {
      readonly state: "conversation" | "shell";
      readonly directory: string;
      /** What runs in it instead of a plain shell: arguments for `resume`. */
      readonly resume?: string;
    }
  | { readonly state: "running" | "open elsewhere" | "name in use" | "forgotten" }
);

export interface Asked {
  readonly sessions: readonly Session[];
  /** When these sessions were last seen to run, in ms since 1970: what was forgotten later stays so. */
  readonly seenAtMs: number;
  /** Their owner has chosen them one by one, so what was forgotten is brought back after all. */
  readonly chosen: boolean;
}

/** Whether nothing of a session is to be tried again. */
export const isDone = ({ how, unread }: Outcome): boolean => how !== "failed" && unread !== true;

/** In the order of the sessions. Of two that name one conversation only the first opens it. */
export function planRestore({ sessions, seenAtMs, chosen }: Asked, present: Present): readonly Prospect[] {
  const open = new Map(present.open);
  return sessions.map((session) => {
    const prospect = prospectOf(session, { ...present, open }, chosen ? Number.POSITIVE_INFINITY : seenAtMs);
    const where = [sessionCalled(session.name)];
    const state = prospect.state === "conversation" ? "open" : "waiting";
    if (prospect.conversation !== undefined) open.set(prospect.conversation, { where, state });
    return prospect;
  });
}

function prospectOf(session: Session, present: Present, seenAtMs: number): Prospect {
  const { name, conversation } = session;
  const isForgotten = (present.forgotten.get(name) ?? Number.NEGATIVE_INFINITY) >= seenAtMs;
  // What its owner has forgotten is not missed beside another session of its name.
  if (present.running.has(name)) return isForgotten ? { session, state: "running" } : besideRunning(session, present);
  if (isForgotten) return { session, state: "forgotten" };
  const open = conversation === undefined ? undefined : present.open.get(conversation);
  if (open !== undefined) return { session, state: "open elsewhere", why: whyOpen(session, open) };
  return startOf(session, present, missingOf(session, present));
}

function whyOpen({ conversation, assistantFolder }: Session, { where, state }: OpenIn): string {
  if (state === "open") return `its conversation is open in ${listed(where, "and")}`;
  if (state === "waiting") return `its conversation waits in ${listed(where, "and")}`;
  const folder = assistantFolder === undefined ? "" : " and with its CLAUDE_CONFIG_DIR";
  return `its conversation may be open in ${listed(where, "or")}; if it is not, run \`claude --resume ${conversation}\` in its directory${folder}`;
}

const MOST_NAMED = 5;

function listed(all: readonly string[], word: "and" | "or"): string {
  if (all.length > MOST_NAMED) return `${all.slice(0, MOST_NAMED).join(", ")} and ${all.length - MOST_NAMED} more`;
  return [...all.slice(0, -2), all.slice(-2).join(` ${word} `)].join(", ");
}

function besideRunning(session: Session, present: Present): Prospect {
  const { name, conversation } = session;
  if (conversation === undefined) return { session, state: "running" };
  const inside = present.unused?.get(name);
  const [current, open] = [present.running.get(name), present.open.get(conversation)];
  const mayStart = inside === undefined ? open === undefined : open === undefined || open.state === "waiting";
  // Where its own session names it, nothing is missed.
  const isOwn = current === conversation || open?.where.includes(sessionCalled(name)) === true;
  if (open?.state === "possible" && (inside !== undefined || !isOwn))
    return {
      session,
      state: "running",
      why: whyOpen(session, open),
      ...(inside === undefined ? {} : { unread: true, inside }),
    };
  if (!mayStart || (current === conversation && inside === undefined)) return { session, state: "running" };
  const missing = missingOf(session, present);
  if (missing !== undefined) {
    const why = `its conversation ${conversation} cannot be resumed: its ${missing.what} ${missing.why}`;
    if (missing.why === GONE) return { session, state: "running", why };
    return { session, state: "running", why, unread: true, ...(inside === undefined ? {} : { inside, conversation }) };
  }
  const start = startOf(session, present, undefined);
  if (inside !== undefined) return { ...start, inside };
  const why =
    current === undefined
      ? "a session of that name runs, and nothing tells that this conversation is open in it; if it is not, rename that session to bring this one back"
      : "a session of that name runs in another conversation; rename that one to bring this one back";
  return { session, state: "name in use", why };
}

/** What keeps a session from being started as it was. */
interface Missing {
  readonly what: "directory" | "transcript";
  readonly why: string;
}

function missingOf({ directory, conversation, assistantFolder }: Session, present: Present): Missing | undefined {
  const path = pathOf(directory);
  const directoryIs = path === undefined ? GONE : present.missingDirectory(path);
  if (path === undefined || directoryIs !== undefined) return { what: "directory", why: directoryIs ?? GONE };
  if (conversation === undefined) return undefined;
  // Its record is filed by the directory, so it is resumed from there or not at all.
  const transcriptIs = present.missingTranscript(folderOf(assistantFolder, present), path, conversation);
  return transcriptIs === undefined ? undefined : { what: "transcript", why: transcriptIs };
}

const GONE = "is gone";

/** Undefined for what is not an absolute path of text: nothing is started there. */
function pathOf(directory: string): string | undefined {
  const bytes = pathBytes(directory);
  const path = bytes.toString("utf8");
  return path.startsWith("/") && Buffer.from(path, "utf8").equals(bytes) ? path : undefined;
}

/** Where its shell was, if a conversation that cannot be resumed at all is what keeps the session elsewhere. */
function shellPlace({ shellDirectory }: Session, present: Present, missing: Missing): string | undefined {
  const path = shellDirectory === undefined || missing.why !== GONE ? undefined : pathOf(shellDirectory);
  return path === undefined || present.missingDirectory(path) !== undefined ? undefined : path;
}

const folderOf = (assistantFolder: string | undefined, { home }: Present): string =>
  assistantFolder === undefined ? `${home}/.claude` : pathBytes(assistantFolder).toString("utf8");

type Start = Extract<Prospect, { state: "conversation" | "shell" }>;

function startOf(session: Session, present: Present, missing: Missing | undefined): Start {
  const { conversation, assistantFolder } = session;
  const shell = missing === undefined ? undefined : shellPlace(session, present, missing);
  const place = missing?.what === "directory" ? present.home : pathBytes(session.directory).toString("utf8");
  const directory = shell ?? place;
  if (missing !== undefined) {
    const why =
      missing.what === "directory"
        ? `its directory ${missing.why}, so it starts ${shell === undefined ? "in the home" : "where its shell was"}`
        : `the transcript of its conversation ${conversation} ${missing.why}`;
    // A line in the pane says so.
    const line = missing.what === "directory" && shell !== undefined ? "directory-shell" : missing.what;
    if (missing.why === GONE) return { session, state: "shell", directory, why, resume: line };
    const resume = `${missing.what}-unread`;
    if (conversation === undefined) return { session, state: "shell", directory, why, resume };
    // What cannot be read may be there again later, so the session stays that conversation's.
    const command = quoted(commandOf({ ...session, conversation }, present, missing));
    return { session, state: "shell", directory, why, resume: `${resume} ${command}`, conversation, unread: true };
  }
  if (conversation === undefined) return { session, state: "shell", directory };
  const folder = quoted(folderOf(assistantFolder, present));
  const resume = assistantFolder === undefined ? conversation : `${conversation} ${folder}`;
  return { session, state: "conversation", directory, resume, conversation };
}

/** What their owner runs in the shell that was started, to go on. */
function commandOf(
  { directory, conversation, assistantFolder }: Session & { readonly conversation: string },
  present: Present,
  { what }: Missing,
): string {
  const enter = what === "directory" ? `cd ${quoted(pathBytes(directory).toString("utf8"))} && ` : "";
  const folder =
    assistantFolder === undefined ? "" : `CLAUDE_CONFIG_DIR=${quoted(folderOf(assistantFolder, present))} `;
  return `${enter}${folder}claude --resume ${conversation}`;
}

/** For a shell, which takes it as it is. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

const LONGEST_NAME = 80;

/** For a sentence: the name of a session may be of any length. */
export const sessionCalled = (name: string): string =>
  `session "${name.length <= LONGEST_NAME ? name : `${name.slice(0, LONGEST_NAME)}…`}"`;
