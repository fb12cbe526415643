/** Derives the evidence about each session from what tmux and the kernel report. Pure. */

import { chooseConversations, type Evidence } from "./choose-conversation.ts";
import { CONVERSATION_ID } from "./conversation-id.ts";
import type { Found, Pane } from "./tmux-listing.ts";
import type { ObservedSession } from "./session-schemas.ts";
import {
  type Assistant,
  assistantsBelow,
  assistantsExcept,
  type Children,
  childrenIn,
  type Processes,
  TICKS_PER_SECOND,
} from "./process-tree.ts";

/** What a living process hides: it runs with another group than its person's other processes, or as another user. */
export interface Hidden {
  readonly path: string;
  /** The system's. */
  readonly code: string;
}

/** What was read of one person's processes. */
export interface Read {
  readonly home: string;
  readonly processes: Processes;
  /** Empty for a process that has ended in the meantime. */
  argvOf(pid: number): readonly string[];
  /** As `path-encoding.ts` writes it; undefined for a process that has ended. */
  directoryOf(pid: number): string | Hidden | undefined;
}

interface SeenPane extends Pane {
  readonly assistants: readonly Assistant[];
}

export interface Seen {
  readonly session: Found;
  /** Those in all of its panes. */
  readonly assistants: readonly Assistant[];
  /** The panes that count for this session. One that several sessions show counts for the session that was made first. */
  readonly panes: readonly SeenPane[];
  /** The pane that speaks for the session; absent where several could. */
  readonly speaker?: SeenPane;
  readonly directory: string;
  /** What would have told the directory, which is another process's or the home then. */
  readonly hidden?: Hidden;
  /** Nothing has told the directory, since that is hidden or all has ended, so it is the home. */
  readonly isUntold?: true;
}

export function seenOf(found: readonly Found[], read: Read): readonly Seen[] {
  const children = childrenIn(read.processes);
  const first = firstToShow(found);
  return found.map((session) => {
    const all = session.panes.map((pane) => ({
      ...pane,
      assistants: assistantsBelow(read.processes, children, read.argvOf, pane.pid),
    }));
    const assistants = all.flatMap((pane) => pane.assistants);
    const panes = all.filter(({ pid }) => first.get(pid) === session.key);
    const speaker = speakerOf(panes, session.option);
    const told = directoryOf([speaker?.assistants[0], assistants[0], speaker, frontOf(session)], all, read);
    return { session, assistants, panes, ...(speaker === undefined ? {} : { speaker }), ...told };
  });
}

/** By the process of a pane, the session that was made first of those that show it: a group shares its windows. */
function firstToShow(found: readonly Found[]): ReadonlyMap<number, string> {
  const latestFirst = [...found].sort(
    (a, b) => b.createdS - a.createdS || Number(b.key.slice(1)) - Number(a.key.slice(1)),
  );
  return new Map(latestFirst.flatMap(({ key, panes }) => panes.map(({ pid }) => [pid, key] as const)));
}

/**
 * Only a pane with an assistant speaks, while there is one: what an assistant that has ended has noted elsewhere is over. Of
 * several it is the one in front, else the one that the launcher has started.
 */
function speakerOf(panes: readonly SeenPane[], launched: string): SeenPane | undefined {
  const withAssistant = panes.filter(({ assistants }) => assistants.length > 0);
  const candidates = withAssistant.length > 0 ? withAssistant : panes.filter(({ hook }) => HOOK_NOTE.test(hook));
  const isLaunched = ({ assistants }: SeenPane) => assistants.some(({ argument }) => argument === launched);
  return candidates.find(({ active }) => active) ?? only(candidates) ?? only(withAssistant.filter(isLaunched));
}

const only = <T>(all: readonly T[]): T | undefined => (all.length === 1 ? all[0] : undefined);

/** The pane in front, or another one where that has ended: it tells nothing any more. */
function frontOf({ panes }: Found): Pane | undefined {
  const living = panes.filter(({ hasEnded }) => hasEnded !== true);
  return living.find(({ active }) => active) ?? living[0];
}

/** When the kernel's clock of processes began, in ms since 1970. */
export const bootedAtMs = (nowMs: number, upS: number): number => nowMs - upS * 1000;

/** When an assistant started that can be told apart: none where several run in one session. In ms since 1970. */
export function startedAtMs({ assistants, speaker }: Seen, bootMs: number): number | undefined {
  const assistant = only(assistants);
  if (assistant === undefined || speaker?.assistants.includes(assistant) !== true) return undefined;
  return bootMs + (assistant.startedTicks / TICKS_PER_SECOND) * 1000;
}

/** The clock may have been set by a little since an assistant started. */
export const SLACK_MS = 2000;

/** The conversations that a session's assistants may have written: by the time of the last write, since the first started. */
export function writtenSinceStart({ assistants }: Seen, bootMs: number, { written }: Evidence): readonly string[] {
  const firstMs = bootMs + (Math.min(...assistants.map((one) => one.startedTicks)) / TICKS_PER_SECOND) * 1000;
  return [...written].flatMap(([id, writtenAtMs]) => (writtenAtMs > firstMs - SLACK_MS ? [id] : []));
}

/** What is known of the transcripts that belong to one session's directory. */
export type TranscriptsSeen = Pick<Evidence, "written" | "transcripts">;

export function evidenceOf(seen: Seen, bootMs: number, transcripts: TranscriptsSeen): Evidence {
  const { session, panes, speaker } = seen;
  const { hook, hookIsCurrent } = speaker === undefined ? {} : noteOf(speaker);
  const speaking = speaker?.assistants ?? panes.flatMap(({ assistants }) => assistants);
  const argument = only([...new Set(argumentsOf(speaking))]);
  const started = startedAtMs(seen, bootMs);
  const elsewhere = elsewhereOf(seen, [session.option, hook, argument]);
  return {
    key: session.key,
    ...transcripts,
    ...(CONVERSATION_ID.test(session.option) ? { option: session.option } : {}),
    ...(hook === undefined ? {} : { hook }),
    ...(hookIsCurrent === undefined ? {} : { hookIsCurrent }),
    ...(argument === undefined ? {} : { argument }),
    ...(started === undefined ? {} : { startedAtMs: started }),
    ...(elsewhere.length === 0 ? {} : { elsewhere }),
  };
}

export const argumentsOf = (assistants: readonly Assistant[]): readonly string[] =>
  assistants.flatMap(({ argument }) => argument ?? []);

/** What the hook has noted in a pane. Only its own assistants tell whether that is over. */
function noteOf({ hook, assistants }: SeenPane): Pick<Evidence, "hook" | "hookIsCurrent"> {
  const [, id, atS] = HOOK_NOTE.exec(hook) ?? [];
  if (id === undefined) return {};
  const isCurrent = atS === undefined ? undefined : isSinceStart(Number(atS), assistants);
  return { hook: id, ...(isCurrent === undefined ? {} : { hookIsCurrent: isCurrent }) };
}

/** The conversations that assistants in its panes may be in, besides those that the evidence names already. */
function elsewhereOf({ panes }: Seen, named: readonly (string | undefined)[]): readonly string[] {
  const all = panes
    .filter(({ assistants }) => assistants.length > 0)
    .flatMap((pane) => {
      const { hook, hookIsCurrent } = noteOf(pane);
      return [...argumentsOf(pane.assistants), ...(hook === undefined || hookIsCurrent === false ? [] : [hook])];
    });
  return [...new Set(all)].filter((id) => CONVERSATION_ID.test(id) && !named.includes(id));
}

/** A conversation's id, and when the hook noted it in whole seconds since boot, which a clock that is set does not change. */
const HOOK_NOTE = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:-(\d{1,12}))?$/;

/** Undefined where no assistant runs, or several do. */
function isSinceStart(atS: number, assistants: readonly Assistant[]): boolean | undefined {
  const assistant = only(assistants);
  if (assistant === undefined) return undefined;
  return atS >= Math.floor(assistant.startedTicks / TICKS_PER_SECOND);
}

/** The assistants outside of every session: in a login without tmux, or started by another one. */
export function outsideOf(all: readonly Seen[], { processes, argvOf }: Read): readonly Assistant[] {
  const inside = new Set(all.flatMap(({ assistants }) => assistants.map(({ pid }) => pid)));
  return assistantsExcept(processes, argvOf, inside);
}

/**
 * Every session with the conversation that is certainly its own.
 *
 * @param outside the ids that assistants outside of every session were started with
 * @param folders by key, the assistant's own folder where its person has set another one than `~/.claude`
 */
export function sessionsOf(
  all: readonly Seen[],
  evidence: readonly Evidence[],
  outside: readonly string[],
  folders: ReadonlyMap<string, string> = new Map(),
): ObservedSession[] {
  const chosen = chooseConversations(evidence, outside);
  return all.map(({ session, assistants, directory, hidden, isUntold }, at) => {
    const conversation = chosen.get(session.key);
    const hasEnded = assistants.length === 0 && conversation !== undefined;
    const isResumable = !hasEnded || evidence[at]?.written.has(conversation) === true;
    const { name, createdS } = session;
    const isKept = assistants.length > 0 || conversation !== undefined;
    const assistantFolder = isKept ? folders.get(session.key) : undefined;
    const hides = isUntold === true ? ("directory" as const) : ("closerDirectory" as const);
    return {
      name,
      directory,
      createdS,
      assistantRuns: assistants.length > 0,
      ...(conversation === undefined ? {} : { conversation }),
      ...(assistantFolder === undefined ? {} : { assistantFolder }),
      ...(isUntold === true || hidden !== undefined ? { hidden: [hides] } : {}),
      ...(isResumable ? {} : { unresumable: true as const }),
    };
  });
}

/**
 * The first that can be told: the assistant's, since its conversation belongs to that, before that of a pane. Where a pane's own
 * process hides it, the server that started this runs with the same group and tells the directory.
 */
function directoryOf(
  processes: readonly ({ readonly pid: number } | undefined)[],
  panes: readonly SeenPane[],
  read: Read,
): Pick<Seen, "directory" | "hidden" | "isUntold"> {
  let hidden: Hidden | undefined;
  for (const process of processes) {
    const told = process === undefined ? undefined : read.directoryOf(process.pid);
    const certain = told === undefined || typeof told === "string" ? told : toldByServer(process?.pid, panes, read);
    if (certain !== undefined) return { directory: withoutMark(certain), ...(hidden === undefined ? {} : { hidden }) };
    if (typeof told === "object") hidden ??= told;
  }
  return { directory: read.home, isUntold: true, ...(hidden === undefined ? {} : { hidden }) };
}

function toldByServer(pid: number | undefined, panes: readonly SeenPane[], read: Read): string | undefined {
  const pane = panes.find((one) => one.pid === pid || one.assistants.some((assistant) => assistant.pid === pid));
  return pane !== undefined && typeof read.directoryOf(pane.pid) === "object" ? pane.path : undefined;
}

/** Whether a process hides something that a look at the session goes by, or is not one of their own. */
export function isHiding({ panes, assistants }: Seen, children: Children, { directoryOf }: Read): boolean {
  const started = panes.flatMap(({ pid }) => children.get(pid) ?? []);
  return (
    [...panes, ...assistants, ...started].some(({ pid }) => typeof directoryOf(pid) === "object") ||
    panes.some(({ pid, hasEnded }) => hasEnded !== true && directoryOf(pid) === undefined)
  );
}

/** What the kernel puts behind a directory that was removed. */
const GONE = " (deleted)";

const withoutMark = (directory: string): string =>
  directory.endsWith(GONE) ? directory.slice(0, -GONE.length) : directory;
