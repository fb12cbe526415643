/** Frames a command for a host's login shell, so that text printed by the shell's start-up files is told from the command's own. */

import { randomUUID } from "node:crypto";
import { shellQuoted } from "../shell-quote.ts";

export interface FramedCommand {
  /** The command line for the host's login shell. */
  readonly text: string;
  /**
   * What the command itself printed.
   * @param printed everything that arrived on one of the two streams
   * @returns undefined where the command never began: the start-up files ended the shell, or replaced it
   */
  own(printed: string): string | undefined;
}

/**
 * sshd starts the login shell for every command, and bash then reads `~/.bashrc`. Anything printed there comes before the
 * command's output. So the command first prints a line that nothing else can print, on both streams. `exec` also keeps an
 * exit trap of the start-up files from printing afterwards.
 * @param argv the command; each of its words arrives as it is
 */
export function framedCommand(argv: readonly string[]): FramedCommand {
  const frame = `begin-${randomUUID()}`;
  const begin = `${frame}\n`;
  return {
    text: ["exec /bin/sh -c", ...[BEGIN_THEN_RUN, frame, ...argv].map(shellQuoted)].join(" "),
    own: (printed) => {
      const at = printed.indexOf(begin);
      return at < 0 ? undefined : printed.slice(at + begin.length);
    },
  };
}

const BEGIN_THEN_RUN = 'printf "%s\\n" "$0"; printf "%s\\n" "$0" >&2; exec "$@"';
