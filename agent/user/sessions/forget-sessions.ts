/** Forgets sessions on their owner's wish: they are not brought back until their owner asks for it. */

import type { Forgetting } from "../../shared/sessions/session-schemas.ts";
import { rememberForgotten } from "./forgotten-sessions.ts";
import type { PersonHere, Tmux } from "./tmux-client.ts";

/** A session that runs is left alone: forgetting it would keep it from being brought back after a loss. */
export async function forgetSessions(
  tmux: Tmux,
  { home }: PersonHere,
  names: readonly string[],
  nowMs: number,
): Promise<Forgetting> {
  const listing = await tmux.ask(["list-sessions", "-F", "#{session_name}"]);
  const there = new Set((listing ?? "").split("\n"));
  const forgotten = [...new Set(names)].filter((name) => !there.has(name));
  if (forgotten.length > 0) await rememberForgotten(home, forgotten, nowMs);
  return { forgotten, running: [...new Set(names)].filter((name) => there.has(name)) };
}
