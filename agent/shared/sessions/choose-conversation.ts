/** Matches conversations to tmux sessions from all the evidence, and matches none rather than a wrong one. Pure. */

import { CONVERSATION_ID } from "./conversation-id.ts";

export interface Transcript {
  readonly id: string;
  /** The time that its first dated line tells, in ms since 1970. */
  readonly begunAtMs: number;
  readonly writtenAtMs: number;
}

/** Everything that speaks of one session's conversation. Ids are as found and may be anything. */
export interface Evidence {
  /** tmux's own id (`$3`): one a session, whatever the names. */
  readonly key: string;
  /** The tmux option that the launcher set. */
  readonly option?: string;
  /** What a session-start hook recorded. */
  readonly hook?: string;
  /** Whether the assistant that runs now made that record, or an earlier one did; absent when that cannot be told. */
  readonly hookIsCurrent?: boolean;
  /** `--session-id` or `--resume` of the assistant's process under a pane. */
  readonly argument?: string;
  /** What other panes of the session, or other assistants in the same one, are in or may be in. */
  readonly elsewhere?: readonly string[];
  /** When that process started; absent when none runs, or when several do. */
  readonly startedAtMs?: number;
  /** By id, when each conversation was last written that can be resumed from this session's directory. */
  readonly written: ReadonlyMap<string, number>;
  /** Transcripts whose recorded directory is this session's own. */
  readonly transcripts: readonly Transcript[];
}

const SOURCES = ["option", "hook", "argument"] as const;

/**
 * At most one conversation a session and one session a conversation; keyed by `key`. `docs/sessions.md` has the rule as a
 * table.
 *
 * @param outside the ids that assistants outside of every session were started with
 */
export function chooseConversations(
  all: readonly Evidence[],
  outside: readonly string[] = [],
): ReadonlyMap<string, string> {
  const recorded = recordedOf(all);
  const spokenFor = spokenForIn(all, outside);
  const newer = uncontested(all, (e) => {
    const { startedAtMs } = e;
    // The hook of the assistant that runs has told which conversation it is in: a newer one is somebody else's.
    if (startedAtMs === undefined || isToldByHook(e)) return undefined;
    const has = recorded.get(e.key);
    if (has === undefined)
      return only(e.transcripts.filter((t) => t.writtenAtMs > startedAtMs && !spokenFor.has(t.id)));
    // After a clock that was set back, older ones seem to have begun since; what a clear began is newer than what it ended.
    const sinceMs = Math.max(startedAtMs, e.transcripts.find(({ id }) => id === has)?.begunAtMs ?? 0);
    return only(e.transcripts.filter((t) => t.id !== has && t.begunAtMs > sinceMs && !spokenFor.has(t.id)));
  });
  const chosen = new Map(recorded);
  for (const [key, id] of newer) chosen.set(key, id);
  return withoutDoubles(chosen);
}

/**
 * Whether what transcripts tell could change the choice that is made without looking into any.
 *
 * @param changed by key, the ids of all that may be of its directory and were written since its assistant started
 * @param outside as for the choice
 */
export function transcriptsMatter(
  all: readonly Evidence[],
  changed: ReadonlyMap<string, readonly string[]>,
  outside: readonly string[] = [],
): boolean {
  const spokenFor = spokenForIn(all, outside);
  return all.some((e) => !isToldByHook(e) && (changed.get(e.key) ?? []).some((id) => !spokenFor.has(id)));
}

/** Whether the hook of the assistant that runs has told its conversation, so that no transcript is needed. */
export const isToldByHook = ({ hook, hookIsCurrent }: Evidence): boolean =>
  hookIsCurrent === true && CONVERSATION_ID.test(hook ?? "");

/** Whatever any source names. */
const spokenForIn = (all: readonly Evidence[], outside: readonly string[]): ReadonlySet<string> => {
  const inside = all.flatMap((e) => [...SOURCES.flatMap((source) => e[source] ?? []), ...(e.elsewhere ?? [])]);
  return new Set([...inside, ...outside]);
};

const only = (transcripts: readonly Transcript[]): string | undefined =>
  transcripts.length === 1 ? transcripts[0]?.id : undefined;

/** One source's word, and how well it is believed where two sessions name the same: 0 is best. */
interface Told {
  readonly id: string;
  readonly rank: number;
}

/** What the sources of one session come to, before any transcript is looked into. */
function toldBy({ option, hook, hookIsCurrent, argument, written }: Evidence): Told | undefined {
  const isId = (id: string | undefined): id is string => CONVERSATION_ID.test(id ?? "");
  const all = [
    // What an earlier assistant in the same pane has told is over.
    { id: hookIsCurrent === false ? undefined : hook, rank: hookIsCurrent === true ? 0 : 1 },
    { id: argument, rank: 3 },
    // So is the launcher's, when the assistant that runs was started with another one.
    { id: isId(argument) && argument !== option ? undefined : option, rank: 2 },
  ].flatMap(({ id, rank }): Told[] => (isId(id) ? [{ id, rank }] : []));
  const resumable = all.filter(({ id }) => written.has(id));
  const [first, ...others] = resumable.length > 0 ? resumable : all;
  if (first === undefined || first.rank === 0) return first;
  const lastWritten = ({ id }: Told) => written.get(id) ?? 0;
  const last = others.reduce((best, one) => (lastWritten(one) > lastWritten(best) ? one : best), first);
  // Two sources that tell the same are believed as the better of them is.
  return { id: last.id, rank: Math.min(...all.filter(({ id }) => id === last.id).map(({ rank }) => rank)) };
}

/** What each session's sources come to. Of sessions that come to the same, the one with the better source; of equals, none. */
function recordedOf(all: readonly Evidence[]): Map<string, string> {
  const candidates = all.flatMap((e) => {
    const one = toldBy(e);
    return one === undefined ? [] : [{ key: e.key, ...one }];
  });
  const isBest = (one: Told & { readonly key: string }) =>
    candidates.every((other) => other.key === one.key || other.id !== one.id || other.rank > one.rank);
  return new Map(candidates.filter(isBest).map(({ key, id }) => [key, id]));
}

/**
 * Whether exactly one conversation is named of a session. Of several, the one that was written last decides; where none is,
 * what was recorded stays while its transcripts cannot be read.
 */
export const namesOne = (e: Evidence): boolean =>
  new Set(SOURCES.flatMap((source) => (CONVERSATION_ID.test(e[source] ?? "") ? [e[source]] : []))).size === 1;

/** What exactly one of them answers with. */
function uncontested(
  all: readonly Evidence[],
  answer: (evidence: Evidence) => string | undefined,
): ReadonlyMap<string, string> {
  return withoutDoubles(
    new Map(
      all.flatMap((e) => {
        const id = answer(e);
        return id === undefined ? [] : [[e.key, id] as const];
      }),
    ),
  );
}

function withoutDoubles(chosen: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const ids = [...chosen.values()];
  return new Map([...chosen].filter(([, id]) => ids.indexOf(id) === ids.lastIndexOf(id)));
}
