/** Derives the evidence about each session from what tmux and the kernel report. Pure. */

import { chooseConversations, type Evidence } from "./choose-conversation.ts";
import { CONVERSATION_ID } from "./conversation-id.ts";
import type { Found } from "./tmux-listing.ts";
import type { ObservedSession } from "./session-schemas.ts";
import { type Assistant, assistantsBelow, childrenIn, type Processes, TICKS_PER_SECOND } from "./process-tree.ts";

/** What was read of one person's processes. */
export interface Read {
  readonly home: string;
  readonly processes: Processes;
  /** Empty for a process that has ended in the meantime. */
  argvOf(pid: number): readonly string[];
  /** As `path-encoding.ts` writes it; undefined for a process that has ended, or is somebody else's, whatever the server claims. */
  directoryOf(pid: number): string | undefined;
}

export interface Seen {
  readonly session: Found;
  readonly assistants: readonly Assistant[];
  readonly directory: string;
}

export function seenOf(found: readonly Found[], read: Read): readonly Seen[] {
  const children = childrenIn(read.processes);
  return found.map((session) => {
    const assistants = session.panes.flatMap(({ pid }) => assistantsBelow(read.processes, children, read.argvOf, pid));
    return { session, assistants, directory: directoryOf(session, assistants, read) };
  });
}

/** When the kernel's clock of processes began, in ms since 1970. */
export const bootedAtMs = (nowMs: number, upS: number): number => nowMs - upS * 1000;

/** When an assistant started that can be told apart: none where several run in one session. In ms since 1970. */
export function startedAtMs({ assistants }: Seen, bootMs: number): number | undefined {
  const [assistant, second] = assistants;
  if (assistant === undefined || second !== undefined) return undefined;
  return bootMs + (assistant.startedTicks / TICKS_PER_SECOND) * 1000;
}

/** What is known of the transcripts that belong to one session's directory. */
export type TranscriptsSeen = Pick<Evidence, "written" | "transcripts">;

export function evidenceOf(seen: Seen, bootMs: number, transcripts: TranscriptsSeen): Evidence {
  const { session, assistants } = seen;
  // The pane in front speaks for its session; one hook elsewhere does too, where it is the only one.
  const hooks = session.panes.flatMap(({ hook, active }) => {
    const [, id, atS] = HOOK_NOTE.exec(hook) ?? [];
    return id === undefined ? [] : [{ active, id, ...(atS === undefined ? {} : { atS: Number(atS) }) }];
  });
  const hook = hooks.find((pane) => pane.active) ?? (hooks.length === 1 ? hooks[0] : undefined);
  const isCurrent = hook?.atS === undefined ? undefined : isSinceStart(hook.atS, assistants);
  const told = new Set(assistants.flatMap(({ argument }) => argument ?? []));
  const argument = told.size === 1 ? [...told][0] : undefined;
  const started = startedAtMs(seen, bootMs);
  return {
    key: session.key,
    ...transcripts,
    ...(CONVERSATION_ID.test(session.option) ? { option: session.option } : {}),
    ...(hook === undefined ? {} : { hook: hook.id }),
    ...(isCurrent === undefined ? {} : { hookIsCurrent: isCurrent }),
    ...(argument === undefined ? {} : { argument }),
    ...(started === undefined ? {} : { startedAtMs: started }),
  };
}

/** A conversation's id, and when the hook noted it in whole seconds since boot, which a clock that is set does not change. */
const HOOK_NOTE = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:-(\d{1,12}))?$/;

/** Undefined where no assistant runs, or several do. */
function isSinceStart(atS: number, [assistant, second]: readonly Assistant[]): boolean | undefined {
  if (assistant === undefined || second !== undefined) return undefined;
  return atS >= Math.floor(assistant.startedTicks / TICKS_PER_SECOND);
}

/**
 * Every session with the conversation that is certainly its own.
 *
 * @param folders by key, the assistant's own folder where its person has set another one than `~/.claude`
 */
export function sessionsOf(
  all: readonly Seen[],
  evidence: readonly Evidence[],
  folders: ReadonlyMap<string, string> = new Map(),
): ObservedSession[] {
  const chosen = chooseConversations(evidence);
  return all.map(({ session, assistants, directory }) => {
    const conversation = chosen.get(session.key);
    const { name, createdS } = session;
    const assistantFolder = folders.get(session.key);
    return {
      name,
      directory,
      createdS,
      assistantRuns: assistants.length > 0,
      ...(conversation === undefined ? {} : { conversation }),
      ...(assistantFolder === undefined ? {} : { assistantFolder }),
    };
  });
}

/** The assistant's directory, since its conversation belongs to that; else that of the pane in front. */
function directoryOf(session: Found, assistants: readonly Assistant[], read: Read): string {
  const front = session.panes.find((pane) => pane.active) ?? session.panes[0];
  for (const pid of [assistants[0]?.pid, front?.pid]) {
    const directory = pid === undefined ? undefined : read.directoryOf(pid);
    if (directory !== undefined) return directory.endsWith(GONE) ? directory.slice(0, -GONE.length) : directory;
  }
  return read.home;
}

/** What the kernel puts behind a directory that was removed. */
const GONE = " (deleted)";
