/** Observes the running sessions of a user, and reads transcripts to match conversations to them. */

import { uptime } from "node:os";
import { resolve } from "node:path";
import { FORMAT_WITH_PATHS, parseListing } from "../../shared/sessions/tmux-listing.ts";
import { type Evidence, isToldByHook, namesOne } from "../../shared/sessions/choose-conversation.ts";
import type { Observation, ObservedSession } from "../../shared/sessions/session-schemas.ts";
import { LONGEST_TEXT } from "../../shared/sessions/path-encoding.ts";
import {
  argumentsOf,
  bootedAtMs,
  evidenceOf,
  type Hidden,
  outsideOf,
  type Seen,
  seenOf,
  sessionsOf,
  writtenSinceStart,
} from "../../shared/sessions/session-evidence.ts";
import { type Assistant, type Children, childrenIn } from "../../shared/sessions/process-tree.ts";
import { sessionCalled } from "../../shared/sessions/restore-plan.ts";
import { argvOf, directoryOf, listenersElsewhere, ownProcesses, variableOf } from "./own-processes.ts";
import { socketOf } from "../../shared/sessions/tmux-socket.ts";
import { askReviving } from "./revive-socket.ts";
import type { PersonHere, Tmux } from "./tmux-client.ts";
import { mayHaveTranscript, type TranscriptsFound, transcriptsOf } from "./find-transcripts.ts";
import type { Unread } from "../home/unread-paths.ts";

export const LIST_PANES = ["list-panes", "-a", "-F", FORMAT_WITH_PATHS] as const;

/** @param revive whether a server that has lost its socket is to bring it back */
export async function observe(tmux: Tmux, person: PersonHere, revive: boolean): Promise<Observation> {
  const { answer: listing, revived, beside } = await askReviving(tmux, person.uid, LIST_PANES, revive);
  const elsewhere = await describeElsewhere(person.uid);
  if (listing === undefined) return { server: "none", ...(elsewhere.length === 0 ? {} : { warnings: elsewhere }) };
  const { sessions, isWhole, warnings } = readListing(listing, person);
  const told = [revived, beside].filter((sentence) => sentence !== undefined);
  const unread = isWhole ? {} : { unread: true as const };
  return { server: "running", sessions, warnings: [...warnings, ...told, ...elsewhere], ...unread };
}

const MOST_NAMED = 5;

const describeElsewhere = async (uid: number): Promise<string[]> =>
  (await listenersElsewhere(uid, socketOf(uid)))
    .slice(0, MOST_NAMED)
    .map(
      ({ pids, path }) =>
        `their tmux server (process ${pids.slice(0, MOST_NAMED).join(" or ")}) listens on ${path} instead of ${socketOf(uid)}: its sessions are neither recorded nor restored`,
    );

/** What a listing of their panes tells together with their processes and transcripts. */
export interface SessionsFound {
  readonly sessions: ObservedSession[];
  readonly seen: readonly Seen[];
  readonly evidence: readonly Evidence[];
  /** Assistants outside of every session. */
  readonly outside: readonly Assistant[];
  /** By index of `sessions`, the conversations that its assistants may have written. */
  readonly writtenSince: readonly (readonly string[])[];
  /** Folders of transcripts that could not be read, of each assistant that may be in any of their conversations. */
  readonly unreadFolders: readonly UnreadFolder[];
  /** Whether all that was looked into could be read, of sessions that did not need it as well. */
  readonly isWhole: boolean;
  readonly warnings: string[];
}

/** The transcripts of one directory in an assistant's own folder; of any where its process hides which. */
export interface UnreadFolder {
  readonly assistant?: string;
  readonly directory?: string;
  readonly unread: Unread;
}

/** @param listing what `LIST_PANES` answers */
export function readListing(listing: string, { uid, home }: PersonHere): SessionsFound {
  const { found, warnings } = parseListing(listing);
  const read = { home, processes: ownProcesses(uid), argvOf, directoryOf };
  const seen = seenOf(found, read);
  const children = childrenIn(read.processes);
  const folders = new Map<string, string>();
  const hiddenFolders = new Map<string, Hidden>();
  for (const one of seen) {
    const folder = assistantFolderOf(one, children);
    if (typeof folder === "object") hiddenFolders.set(one.session.key, folder);
    else if (folder !== undefined && folder.length <= LONGEST_TEXT) folders.set(one.session.key, folder);
  }
  const cache = new Map<string, TranscriptsFound>();
  const ownFolder = ({ session }: Seen) => folders.get(session.key) ?? `${home}/.claude`;
  const transcripts = (one: Seen): TranscriptsFound => {
    const hiddenFolder = hiddenFolders.get(one.session.key);
    const hidden = one.hidden ?? (one.assistants.length > 0 ? hiddenFolder : undefined);
    if (hidden !== undefined) return { seen: { written: new Map(), transcripts: [] }, folder: hidden };
    const [folder, { directory }] = [ownFolder(one), one];
    const key = `${folder}\0${directory}`;
    const all = cache.get(key) ?? transcriptsOf(folder, directory);
    cache.set(key, all);
    // The shell behind an assistant that has ended may be the one to tell the folder.
    return hiddenFolder === undefined ? all : { ...all, transcript: all.transcript ?? hiddenFolder };
  };
  const bootMs = bootedAtMs(Date.now(), uptime());
  const outside = outsideOf(seen, read);
  const evidence = seen.map((one) => evidenceOf(one, bootMs, transcripts(one).seen));
  const none = () => new Map<string, Unread>();
  const unread = { conversation: none(), directory: none(), closerDirectory: none() };
  const sessions = sessionsOf(seen, evidence, argumentsOf(outside), folders).map((observed, at) => {
    const [one, told] = [seen[at], evidence[at]];
    if (one === undefined || told === undefined) return observed;
    if (one.hidden !== undefined) {
      const byName = one.isUntold === true ? unread.directory : unread.closerDirectory;
      byName.set(observed.name, one.hidden);
    }
    const hidesFolder = observed.assistantRuns && hiddenFolders.has(one.session.key);
    const hidden = [...(observed.hidden ?? []), "assistantFolder" as const];
    const session = hidesFolder ? { ...observed, hidden } : observed;
    const missed = unreadOf(session, told, transcripts(one));
    if (missed === undefined) return session;
    if (mayHaveOne(session, told)) unread.conversation.set(session.name, missed);
    const { argument, startedAtMs } = told;
    const isNamed = argument !== undefined && argument === session.conversation && startedAtMs !== undefined;
    return { ...session, unread: true as const, ...(isNamed ? { namedAtMs: startedAtMs } : {}) };
  });
  const writtenSince = seen.map((one, at) => {
    const told = evidence[at];
    return told === undefined ? [] : writtenSinceStart(one, bootMs, told);
  });
  const unreadFolders = seen.flatMap((one, at) => {
    const { folder } = transcripts(one);
    const { assistantRuns, unread: isUnread } = sessions[at] ?? {};
    if (folder === undefined || assistantRuns !== true || isUnread !== true) return [];
    const assistant = hiddenFolders.has(one.session.key) ? {} : { assistant: ownFolder(one) };
    return [{ ...assistant, ...(one.hidden === undefined ? { directory: one.directory } : {}), unread: folder }];
  });
  const told = [
    ...warnings,
    ...describeUnread(unread.directory, "so what was recorded of the directory stays for"),
    ...describeUnread(unread.closerDirectory, "so the directory of another process counts, or the recorded one, for"),
    ...describeUnread(unread.conversation, "so it is not certain which conversation belongs to"),
  ];
  const isWhole = seen.map(transcripts).every(({ folder, transcript }) => (folder ?? transcript) === undefined);
  return { sessions, seen, evidence, outside, writtenSince, unreadFolders, isWhole, warnings: told };
}

/** What could not be read and would have told the session's conversation. */
function unreadOf(
  { conversation, assistantRuns }: ObservedSession,
  evidence: Evidence,
  { seen, folder, transcript }: TranscriptsFound,
): Unread | undefined {
  if (isToldByHook(evidence) && evidence.hook === conversation) return undefined;
  if (folder !== undefined || assistantRuns) return folder ?? transcript;
  // Of several that are named, the one that was written last decides.
  const named = [evidence.option, evidence.hook, evidence.argument].filter((id) => id !== undefined);
  const isKnown = named.length === 0 || namesOne(evidence) || named.every((id) => (seen.written.get(id) ?? 0) > 0);
  return isKnown ? undefined : transcript;
}

/** Whether a conversation was or could have been recorded: nothing is missed of a shell that never had one. */
const mayHaveOne = ({ assistantRuns }: ObservedSession, { option, hook, elsewhere }: Evidence): boolean =>
  assistantRuns || option !== undefined || hook !== undefined || elsewhere !== undefined;

const LONGEST_PATH = 200;

/** By the name of a session, what could not be read: one sentence for each path. */
function describeUnread(unread: ReadonlyMap<string, Unread>, consequence: string): readonly string[] {
  const byPath = new Map<string, string[]>();
  for (const [name, { path, code }] of unread) {
    const why = path.startsWith("/proc/") ? `${code}: the process runs with another group or user` : code;
    const what = `${path.slice(0, LONGEST_PATH)} cannot be read (${why})`;
    byPath.set(what, [...(byPath.get(what) ?? []), sessionCalled(name)]);
  }
  return [...byPath].slice(0, MOST_NAMED).map(([what, sessions]) => {
    const names = sessions.slice(0, MOST_NAMED);
    const more = sessions.length > MOST_NAMED ? ` and ${sessions.length - MOST_NAMED} more` : "";
    return `${what}, ${consequence} ${names.join(", ")}${more}`;
  });
}

/**
 * The assistant's own folder, where its person has set another one than `~/.claude`. An assistant that has ended leaves the
 * variable to the shell behind it, if that had it: to the process of its pane, or to all that this has started. A shell may
 * have got the variable for something else, so it is believed where the session's conversation is in that folder.
 */
function assistantFolderOf(one: Seen, children: Children): string | Hidden | undefined {
  const { speaker, assistants, panes, directory } = one;
  const [assistant] = speaker?.assistants ?? assistants;
  if (assistant !== undefined) {
    const folder = variableOf(assistant.pid, FOLDER_VARIABLE);
    return typeof folder === "string" ? absolute(directory, folder) : folder;
  }
  const pane = speaker ?? panes.find(({ active }) => active) ?? panes[0];
  if (pane === undefined) return undefined;
  const own = variableOf(pane.pid, FOLDER_VARIABLE);
  const [first, ...others] = (children.get(pane.pid) ?? []).map(({ pid }) => variableOf(pid, FOLDER_VARIABLE));
  const hidden = [own, first, ...others].find((one) => typeof one === "object");
  if (hidden !== undefined && typeof own !== "string") return hidden;
  const folder = own ?? (others.every((one) => one === first) ? first : undefined);
  // Where it was relative to, an assistant that has ended does not tell.
  if (typeof folder !== "string" || !/^(\/|base64:)/.test(folder)) return undefined;
  return namedOf(one).some((id) => mayHaveTranscript(folder, directory, id)) ? folder : undefined;
}

/** The conversations that are named of a session in which no assistant runs. */
function namedOf(one: Seen): readonly string[] {
  const { option, hook } = evidenceOf(one, 0, { written: new Map(), transcripts: [] });
  return [option, hook].filter((id) => id !== undefined);
}

const FOLDER_VARIABLE = "CLAUDE_CONFIG_DIR";

/** The assistant takes a relative folder from its own directory. A path that is not UTF-8 is left as it is encoded. */
const absolute = (directory: string, folder: string): string =>
  folder.startsWith("base64:") ? folder : resolve(directory, folder);
