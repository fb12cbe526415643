/** Derives the evidence about each session from what tmux and the kernel report. Pure. */

import { chooseConversations, type Evidence, type Transcript } from "./match-conversations.ts";
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

export function evidenceOf(seen: Seen, bootMs: number, transcripts: readonly Transcript[]): Evidence {
  const { session, assistants } = seen;
  // The pane in front speaks for its session; one hook elsewhere does too, where it is the only one.
  const hooks = session.panes.filter(({ hook }) => CONVERSATION_ID.test(hook));
  const hook = (hooks.find((pane) => pane.active) ?? (hooks.length === 1 ? hooks[0] : undefined))?.hook;
  const told = new Set(assistants.flatMap(({ argument }) => argument ?? []));
  const argument = told.size === 1 ? [...told][0] : undefined;
  const started = startedAtMs(seen, bootMs);
  return {
    key: session.key,
    transcripts,
    ...(CONVERSATION_ID.test(session.option) ? { option: session.option } : {}),
    ...(hook === undefined ? {} : { hook }),
    ...(argument === undefined ? {} : { argument }),
    ...(started === undefined ? {} : { startedAtMs: started }),
  };
}

/** Every session with the conversation that is certainly its own. */
export function sessionsOf(all: readonly Seen[], evidence: readonly Evidence[]): ObservedSession[] {
  const chosen = chooseConversations(evidence);
  return all.map(({ session, directory }) => {
    const conversation = chosen.get(session.key);
    const { name, createdS } = session;
    return { name, directory, createdS, ...(conversation === undefined ? {} : { conversation }) };
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
