/** Reports what bringing back each of a user's saved records would do now. */

import type { FactsTask, History, OwnFacts, RecordFact } from "../../shared/facts/facts-schemas.ts";
import { messageOf } from "../../lib/errors.ts";
import { clean } from "../../lib/log.ts";
import { planRestore, type Present } from "../../shared/sessions/restore-plan.ts";
import type { OfferedRecord, Session } from "../../shared/sessions/session-schemas.ts";
import { presentState } from "./present-state.ts";
import { tmuxOf } from "./tmux-client.ts";

/** @param running the names of what runs */
export async function recordFacts(
  { uid, osUser, history }: FactsTask,
  running: ReadonlySet<string>,
): Promise<OwnFacts["records"]> {
  const [newest, ...earlier] = history?.records ?? [];
  if (history === undefined || newest === undefined) return [];
  // It needs no look into transcripts.
  const isShellThatRuns = ({ name, conversation }: Session) => conversation === undefined && running.has(name);
  const runsAll = earlier.length === 0 && newest.sessions.every(isShellThatRuns);
  if (runsAll) return [allRunning(newest)];
  try {
    const person = { uid, home: `/home/${osUser}` };
    const present = withForgotten(await presentState(tmuxOf(person), person), history);
    return history.records.map((record) => factOf(record, present));
  } catch (error) {
    return { failed: clean(messageOf(error)) };
  }
}

const allRunning = ({ number, takenAtMs, sessions }: OfferedRecord): RecordFact => ({
  number,
  takenAtMs,
  sessions: sessions.map(({ name }) => ({ name, state: "running" })),
});

/** What an admin has had forgotten counts as their own wish. */
export function withForgotten<P extends Pick<Present, "forgotten">>(
  present: P,
  { forgotten }: Pick<History, "forgotten">,
): P {
  const byAdmin = forgotten.map(({ name, atS }) => {
    // A record of the same second is older.
    return [name, Math.max((atS + 1) * 1000, present.forgotten.get(name) ?? 0)] as const;
  });
  return { ...present, forgotten: new Map([...present.forgotten, ...byAdmin]) };
}

/** Exported for the tests. */
export function factOf({ number, takenAtMs, seenAtMs, sessions }: OfferedRecord, present: Present): RecordFact {
  const plan = planRestore({ sessions, seenAtMs, chosen: false }, present);
  return {
    number,
    takenAtMs,
    sessions: plan.map(({ session, state, why }) => ({
      name: session.name,
      state,
      ...(why === undefined ? {} : { why }),
    })),
  };
}
