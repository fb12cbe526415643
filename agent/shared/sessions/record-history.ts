/** Decides which records of a user's sessions are kept on the host and which are offered to that user. Pure. */

import type { Session } from "./session-schemas.ts";

/** More records than this are never kept. */
export const MOST_RECORDS = 200;
/** All records of one user together, in bytes. */
export const MOST_RECORD_BYTES = 16 * 1024 * 1024;
/** So many of the newest are kept whatever their sessions, and a few of them whatever their size. */
export const NEWEST_KEPT = 50;
export const LEAST_KEPT = 5;

/** What one look of their owner's is told: records, and sessions in all of them. */
export const MOST_OFFERED = 20;
export const MOST_OFFERED_SESSIONS = 1000;
export const MOST_OFFERED_BYTES = 256 * 1024;

export interface StoredRecord {
  readonly number: number;
  readonly bytes: number;
  readonly sessions: readonly Session[];
}

/**
 * The numbers of the records to remove, oldest first. A record that lost a session to the one after it is what undoes
 * that loss, so records without a loss are removed before those. Then those go whose sessions all go on under their names:
 * somebody who clears a conversation often has many of them.
 *
 * @param stored oldest first
 */
export function recordsToRemove(stored: readonly StoredRecord[]): readonly number[] {
  const kept = [...stored];
  const removed: number[] = [];
  let bytes = kept.reduce((sum, record) => sum + record.bytes, 0);
  while ((kept.length > MOST_RECORDS || bytes > MOST_RECORD_BYTES) && kept.length > LEAST_KEPT) {
    const older = kept.slice(0, -NEWEST_KEPT);
    const spare = [isLossBetween, isNameLostBetween]
      .map((isLost) => older.findIndex((record, at) => !isLost(record.sessions, kept[at + 1]?.sessions ?? [])))
      .find((at) => at >= 0);
    const [gone] = kept.splice(spare ?? 0, 1);
    if (gone === undefined) break;
    bytes -= gone.bytes;
    removed.push(gone.number);
  }
  return removed.sort((a, b) => a - b);
}

/**
 * The newest record and those that hold a session which the record after them does not, newest first. A name that is
 * gone counts before a conversation that was only exchanged under the same name.
 *
 * @param stored oldest first
 */
export function recordsToOffer<R extends Pick<StoredRecord, "number" | "sessions">>(
  stored: readonly R[],
): readonly R[] {
  const newest = stored.at(-1);
  if (newest === undefined) return [];
  const earlier = stored.slice(0, -1).map((record, at) => ({ record, next: stored[at + 1]?.sessions ?? [] }));
  const withLostNames = earlier.filter(({ record, next }) => isNameLostBetween(record.sessions, next));
  const others = earlier.filter(
    ({ record, next }) => !isNameLostBetween(record.sessions, next) && isLossBetween(record.sessions, next),
  );
  const offered = [newest];
  let [sessions, bytes] = [newest.sessions.length, sizeOf(newest)];
  for (const { record } of [...withLostNames.reverse(), ...others.reverse()]) {
    sessions += record.sessions.length;
    bytes += sizeOf(record);
    if (offered.length >= MOST_OFFERED || sessions > MOST_OFFERED_SESSIONS || bytes > MOST_OFFERED_BYTES) break;
    offered.push(record);
  }
  return offered.sort((a, b) => b.number - a.number);
}

const sizeOf = (record: unknown): number => Buffer.byteLength(JSON.stringify(record));

function isNameLostBetween(before: readonly Session[], after: readonly Session[]): boolean {
  const names = new Set(after.map(({ name }) => name));
  return before.some(({ name }) => !names.has(name));
}

function isLossBetween(before: readonly Session[], after: readonly Session[]): boolean {
  // A conversation is resumed from its directory and its assistant's folder or not at all; a shell may change its own.
  const key = ({ name, conversation, directory, assistantFolder }: Session) =>
    JSON.stringify(conversation === undefined ? [name] : [name, conversation, directory, assistantFolder]);
  const there = new Set(after.map(key));
  return before.some((session) => !there.has(key(session)));
}
