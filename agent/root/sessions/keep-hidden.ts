/** Completes observed sessions by the record before, where their processes hide something. Pure. */

import type { ObservedSession, Snapshot } from "../../shared/sessions/session-schemas.ts";

/** A directory stays with the session's name, and the assistant's folder with the session or its conversation. */
export function withRecorded(
  seen: readonly ObservedSession[],
  before: Snapshot | undefined,
): readonly ObservedSession[] {
  return seen.map(({ hidden, ...session }) => {
    const last = before?.sessions.find(({ name }) => name === session.name);
    if (before === undefined || last === undefined || hidden === undefined) return session;
    const completed = hidden.includes("directory") ? { ...session, directory: last.directory } : session;
    const isSame = session.createdS * 1000 <= before.takenAtMs || session.conversation === last.conversation;
    const { assistantFolder } = last;
    return hidden.includes("assistantFolder") && isSame && assistantFolder !== undefined
      ? { ...completed, assistantFolder }
      : completed;
  });
}
