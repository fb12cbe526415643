/** Computes the next record of a user's sessions from the previous one and what runs now. Pure. */

import { isDeepStrictEqual } from "node:util";
import { Refusal } from "../../lib/errors.ts";
import type {
  Forgotten,
  ObservedSession,
  OfferedRecord,
  Session,
  Snapshot,
} from "../../shared/sessions/session-schemas.ts";

type OfferedRecords = () => readonly Pick<OfferedRecord, "sessions">[];

/**
 * The record after a look at the running sessions; undefined when nothing is to be written: the set is the same, or the
 * look found none, which must never wipe what a restore is about to need.
 *
 * @param offered newest first; a session may have been restored from each, so they tell what the one before does not. They
 * are asked for where that one does not have a conversation.
 */
export function recordAfterLook(
  before: Snapshot | undefined,
  seen: readonly ObservedSession[],
  nowMs: number,
  offered: OfferedRecords = () => [],
): Snapshot | undefined {
  if (seen.length === 0) return undefined;
  // A session that is forgotten while it runs stays so; one of its name that was made later is a new one.
  const forgotten = (before?.forgotten ?? []).filter(
    ({ name, atS }) => !seen.some((s) => s.name === name && s.createdS > atS),
  );
  const all = sessionsToRecord(seen, before, offered);
  const sessions = inOrder(all.filter(({ name }) => !forgotten.some((f) => f.name === name)));
  if (before === undefined)
    return sessions.length === 0 ? undefined : { version: 1, takenAtMs: nowMs, sessions, forgotten };
  const same = isDeepStrictEqual(before.sessions, sessions) && before.forgotten.length === forgotten.length;
  return same ? undefined : { version: 1, takenAtMs: nowMs, sessions, forgotten };
}

/** The record without that session; undefined when it is not in it. */
export function recordAfterForgetting(before: Snapshot | undefined, name: string, nowMs: number): Snapshot | undefined {
  if (before === undefined || !before.sessions.some((s) => s.name === name)) return undefined;
  const forgotten: Forgotten[] = [
    ...before.forgotten.filter((f) => f.name !== name),
    { name, atS: Math.floor(nowMs / 1000) },
  ];
  return { version: 1, takenAtMs: nowMs, sessions: before.sessions.filter((s) => s.name !== name), forgotten };
}

/** What an older record still has to give: whatever has been forgotten since then stays so. */
export function restorable(older: Snapshot, newest: Snapshot): readonly Session[] {
  return older.sessions.filter(({ name }) => !newest.forgotten.some((f) => f.name === name));
}

/** The sessions at these places of a record. @throws Refusal for a place that it does not have */
export function sessionsAt(record: Snapshot, number: number, places: readonly number[]): readonly Session[] {
  return [...new Set(places)].map((place) => {
    const session = record.sessions[place];
    if (session !== undefined) return session;
    const has = record.sessions.length === 0 ? "no session" : `the places 0 to ${record.sessions.length - 1}`;
    throw new Refusal(`record ${number} has ${has}, but ${place} was asked for`);
  });
}

const inOrder = (sessions: readonly Session[]): Session[] =>
  [...sessions].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));

/** What a look tells of the sessions together with what was recorded before: a conversation stays where no other has it. */
function sessionsToRecord(
  seen: readonly ObservedSession[],
  before: Snapshot | undefined,
  offered: OfferedRecords,
): readonly Session[] {
  let earlier: readonly Session[] | undefined;
  const recordedOf = (conversation: string) => {
    const isOfIt = (session: Session) => session.conversation === conversation;
    const newest = before?.sessions.find(isOfIt);
    if (newest !== undefined) return newest;
    earlier ??= offered().flatMap(({ sessions }) => sessions);
    return earlier.find(isOfIt);
  };
  const all = seen.map((one) => ({ one, kept: one.unread === true ? keptOf(one, before) : undefined }));
  return all.map(({ one, kept }, at) => {
    if (kept === undefined) return recorded(one, recordedOf);
    const isOf = (other: Pick<Session, "conversation">) => other.conversation === kept.conversation;
    const isTaken = all.some((other, otherAt) => otherAt !== at && isOf(other.kept ?? other.one));
    return isTaken ? { name: one.name, directory: one.directory } : kept;
  });
}

/** @param recordedOf what was recorded last of a conversation */
function recorded(seen: ObservedSession, recordedOf: (conversation: string) => Session | undefined): Session {
  const { createdS: _, assistantRuns, unread: _unread, namedAtMs: _named, unresumable, ...session } = seen;
  const { conversation } = session;
  if (assistantRuns || conversation === undefined) return session;
  const known = recordedOf(conversation);
  if (known === undefined) return session;
  // The folder of a conversation is read from its assistant, so it stays as recorded once the assistant has ended, and so
  // does that there was none but `~/.claude`. Its directory stays while the shell is where it cannot be resumed.
  const { assistantFolder: _shell, ...rest } = session;
  const hasMoved = unresumable === true && known.directory !== session.directory;
  const places = hasMoved ? { directory: known.directory, shellDirectory: session.directory } : {};
  const folder = known.assistantFolder === undefined ? {} : { assistantFolder: known.assistantFolder };
  return { ...rest, ...places, ...folder };
}

/**
 * What was recorded of a session whose transcripts cannot be read: of the same one, or of one in which nothing else tells a
 * conversation, as of a shell that a restore has made meanwhile.
 */
function keptOf(seen: ObservedSession, before: Snapshot | undefined): Session | undefined {
  const { name, directory, createdS, assistantRuns, conversation, assistantFolder, namedAtMs } = seen;
  const last = before?.sessions.find((s) => s.name === name && s.directory === directory);
  if (before === undefined || last?.conversation === undefined) return undefined;
  // An assistant that was started since then, with a conversation that it names, is not in an earlier one.
  if (namedAtMs !== undefined && namedAtMs > before.takenAtMs) return undefined;
  // A shell's own is not that of the assistant which has ended.
  if (assistantRuns && assistantFolder !== undefined && assistantFolder !== last.assistantFolder) return undefined;
  return conversation === undefined || createdS * 1000 <= before.takenAtMs ? last : undefined;
}
