/** Finds the sessions that a user's tmux configuration has made and in which nothing but their shell runs. */

import { childrenIn } from "../../shared/sessions/process-tree.ts";
import { argvOf, ownProcesses } from "./own-processes.ts";
import type { PersonHere, Tmux } from "./tmux-client.ts";

/** Starts a pane's shell, with its limit of memory. */
export const PANE = "/usr/lib/workstation/pane";

/** A pane that was given no program of its own shows the server's default one, in quotes or without. */
const IS_PLAIN = `#{m/r:^"?(${PANE})?"?$,#{pane_start_command}}`;
const FORMAT = `#{session_id} #{window_panes}#{session_windows}#{session_attached}${IS_PLAIN} #{pane_pid} #{session_name}`;
/** One pane in one window, to which nobody is attached. */
const LINE = /^(\$\d+) 1101 (\d+) (.+)$/;

/** By name, tmux's ids. They have one pane, and no program has been started in it or for it. */
export async function unusedSessions(tmux: Tmux, { uid }: PersonHere): Promise<ReadonlyMap<string, string>> {
  const listing = (await tmux.ask(["list-panes", "-a", "-F", FORMAT])) ?? "";
  const children = childrenIn(ownProcesses(uid));
  // A pane whose own process still prepares its shell has run nothing.
  const isIdle = (pid: number) => argvOf(pid)[1] === PANE || (children.get(pid) ?? []).length === 0;
  return new Map(
    listing.split("\n").flatMap((line) => {
      const [, id, pid, name] = LINE.exec(line) ?? [];
      return id === undefined || name === undefined || !isIdle(Number(pid)) ? [] : [[name, id] as const];
    }),
  );
}
