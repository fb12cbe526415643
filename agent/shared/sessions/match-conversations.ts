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
  /** `--session-id` or `--resume` of the assistant's process under a pane. */
  readonly argument?: string;
  /** When that process started; absent when none runs, or when several do. */
  readonly startedAtMs?: number;
  /** Transcripts whose recorded directory is this session's own. */
  readonly transcripts: readonly Transcript[];
}

/** In the order in which a source is believed. */
const SOURCES = ["option", "hook", "argument"] as const;

/** At most one conversation a session and one session a conversation; keyed by `key`. */
export function chooseConversations(all: readonly Evidence[]): ReadonlyMap<string, string> {
  const recorded = recordedOf(all);
  const spokenFor = spokenForIn(all);
  const newer = uncontested(all, (e) => {
    const { startedAtMs } = e;
    if (startedAtMs === undefined) return undefined;
    const has = recorded.get(e.key);
    // After a clock that was set back, older ones seem to have begun since; what a clear began is newer than what it ended.
    const sinceMs = Math.max(startedAtMs, e.transcripts.find(({ id }) => id === has)?.begunAtMs ?? 0);
    const mine = e.transcripts.filter(({ id, begunAtMs }) => id !== has && begunAtMs > sinceMs);
    // A hook that names a conversation begun since then tells what a clear began.
    if (e.hook !== undefined && mine.some(({ id }) => id === e.hook)) return e.hook;
    if (has === undefined)
      return only(e.transcripts.filter((t) => t.writtenAtMs > startedAtMs && !spokenFor.has(t.id)));
    return only(mine.filter(({ id }) => !spokenFor.has(id)));
  });
  const chosen = new Map(recorded);
  for (const [key, id] of newer) chosen.set(key, id);
  return withoutDoubles(chosen);
}

/**
 * Whether what transcripts tell could change the choice that is made without any.
 *
 * @param written by key, the ids of all that may be of its directory and were written since its assistant started
 */
export function transcriptsMatter(all: readonly Evidence[], written: ReadonlyMap<string, readonly string[]>): boolean {
  const recorded = recordedOf(all);
  const spokenFor = spokenForIn(all);
  return all.some(({ key, hook }) =>
    (written.get(key) ?? []).some((id) => id !== recorded.get(key) && (id === hook || !spokenFor.has(id))),
  );
}

/** Whatever any source names. */
const spokenForIn = (all: readonly Evidence[]): ReadonlySet<string> =>
  new Set(all.flatMap((e) => SOURCES.flatMap((source) => e[source] ?? [])));

const only = (transcripts: readonly Transcript[]): string | undefined =>
  transcripts.length === 1 ? transcripts[0]?.id : undefined;

/** The first source that tells. Of sessions that tell the same, the one with the better source; of equal ones, none. */
function recordedOf(all: readonly Evidence[]): Map<string, string> {
  const recorded = new Map<string, string>();
  const taken = new Set<string>();
  for (const source of SOURCES) {
    const told = all.filter((e) => !recorded.has(e.key) && CONVERSATION_ID.test(e[source] ?? ""));
    const fresh = uncontested(told, (e) => (taken.has(e[source] ?? "") ? undefined : e[source]));
    for (const e of told) taken.add(e[source] ?? "");
    for (const [key, id] of fresh) recorded.set(key, id);
  }
  return recorded;
}

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
