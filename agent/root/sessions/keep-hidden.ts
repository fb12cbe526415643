/** Completes observed sessions by the record before, where their processes hide something. Pure. */

import type { ObservedSession, Session, Snapshot } from "../../shared/sessions/session-schemas.ts";

/**
 * The directory and the assistant's folder stay with the conversation, or with the session where its conversation is not
 * certain. Where nothing tells a directory, it is the one that was recorded under the session's name.
 */
export function withRecorded(
  seen: readonly ObservedSession[],
  before: Snapshot | undefined,
): readonly ObservedSession[] {
  return seen.map(({ hidden, ...session }) => {
    if (before === undefined || hidden === undefined) return session;
    const own = lastOf(session, before);
    const named = hidden.includes("directory") ? before.sessions.find(({ name }) => name === session.name) : undefined;
    const hidesDirectory = hidden.includes("directory") || hidden.includes("closerDirectory");
    const { directory } = (hidesDirectory ? (own ?? named) : undefined) ?? session;
    const assistantFolder = hidden.includes("assistantFolder") ? own?.assistantFolder : undefined;
    return { ...session, directory, ...(assistantFolder === undefined ? {} : { assistantFolder }) };
  });
}

/** What was recorded of its conversation, or of the same session where nothing tells for certain that it is in another one. */
function lastOf(session: Omit<ObservedSession, "hidden">, { sessions, takenAtMs }: Snapshot): Session | undefined {
  const { name, conversation, createdS, unread, namedAtMs = takenAtMs } = session;
  const same = conversation === undefined ? undefined : sessions.find((one) => one.conversation === conversation);
  const last = createdS * 1000 <= takenAtMs ? sessions.find((one) => one.name === name) : undefined;
  if (same !== undefined || last === undefined || conversation === undefined) return same ?? last;
  const isUncertain = unread === true && last.conversation !== undefined && namedAtMs <= takenAtMs;
  return isUncertain ? last : undefined;
}
