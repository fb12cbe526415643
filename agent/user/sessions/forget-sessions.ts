/** Forgets sessions on their owner's wish: they are not brought back until their owner asks for it. */

import type { Forgetting } from "../../shared/sessions/session-schemas.ts";
import { Refusal } from "../../lib/errors.ts";
import { rememberForgotten } from "./forgotten-sessions.ts";
import { NAMES } from "./present-state.ts";
import type { Kernel } from "./kernel-sockets.ts";
import { askReviving } from "./revive-socket.ts";
import type { PersonHere, Tmux } from "./tmux-client.ts";

/**
 * A session that runs is left alone: forgetting it would keep it from being brought back after a loss.
 *
 * @throws Refusal where it cannot be told what runs, since a server that lives cannot be asked
 */
export async function forgetSessions(
  tmux: Tmux,
  { uid, home }: PersonHere,
  names: readonly string[],
  nowMs: number,
  kernel?: Kernel,
): Promise<Forgetting> {
  const { answer, beside } = await askReviving(tmux, uid, NAMES, true, kernel);
  if (beside !== undefined) throw new Refusal(beside);
  const there = new Set((answer ?? "").split("\n"));
  const forgotten = [...new Set(names)].filter((name) => !there.has(name));
  if (forgotten.length > 0) await rememberForgotten(home, forgotten, nowMs);
  return { forgotten, running: [...new Set(names)].filter((name) => there.has(name)) };
}
