/** Finds the sessions that a user's tmux configuration, or a restore, has made and in which nothing but their shell runs. */

import { childrenIn } from "../../shared/sessions/process-tree.ts";
import { argvOf, ownProcesses } from "./own-processes.ts";
import type { PersonHere, Tmux } from "./tmux-client.ts";

/** Starts a pane's shell, with its limit of memory. */
export const PANE = "/usr/lib/workstation/pane";

/** A pane that was given no program of its own shows the server's default one, in quotes or without. */
const IS_PLAIN = `#{m/r:^"?(${PANE})?"?$,#{pane_start_command}}`;
/** The option of a session in which a restore has left a shell, since not all that its conversation needs could be read. */
export const UNREAD_OPTION = "@workstation_unread";
const IS_MADE_BY = {
  /** Nobody is attached to it. */
  configuration: `#{?session_attached,0,${IS_PLAIN}}`,
  /** No assistant has noted a conversation in it since. */
  restore: `#{?@workstation_started,0,#{?${UNREAD_OPTION},1,0}}`,
} as const;
/** One pane in one window. */
const LINE = /^(\$\d+) 111 (\d+) (.+)$/;

/** By name, tmux's ids. They have one pane, and no program runs that was started in it or for it. */
export async function unusedSessions(
  tmux: Tmux,
  { uid }: PersonHere,
  madeBy: keyof typeof IS_MADE_BY,
): Promise<ReadonlyMap<string, string>> {
  const format = `#{session_id} #{window_panes}#{session_windows}${IS_MADE_BY[madeBy]} #{pane_pid} #{session_name}`;
  const listing = (await tmux.ask(["list-panes", "-a", "-F", format])) ?? "";
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
