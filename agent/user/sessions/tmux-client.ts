/** Runs commands on a user's own tmux server through its socket, as that user. */

import { kindOf, lstat } from "../../lib/files.ts";
import { Refusal } from "../../lib/errors.ts";
import { type Ran, run, describeFailure } from "../../lib/exec.ts";
import { ANSWER_WITHIN_MS, NO_SERVER, socketFolder, socketOf, TOO_LONG } from "../../shared/sessions/tmux-socket.ts";

export interface PersonHere {
  readonly uid: number;
  readonly home: string;
}

export interface Tmux {
  /** Whether there is a socket to speak to, which need not answer. @throws Refusal for one that is not safely theirs */
  hasSocket(): boolean;
  /**
   * What the command said; undefined when none answers on the socket. A server may live that has lost it: `askReviving` tells.
   *
   * @throws Refusal for every other failure
   */
  ask(args: readonly string[]): Promise<string | undefined>;
  /** As it ended, for what may fail. */
  try(args: readonly string[]): Promise<Ran>;
}

const TMUX = "/usr/bin/tmux";

export function tmuxOf({ uid, home }: PersonHere): Tmux {
  const socket = socketOf(uid);
  // In a locale that is not UTF-8, tmux turns tabs and everything beyond ASCII into `_`; `-u` alone is not enough for all.
  // A new session's programs get this PATH: tmux takes its client's.
  const env = { PATH: "/usr/local/bin:/usr/bin:/bin", HOME: home, LANG: "C.UTF-8", LC_ALL: "C.UTF-8" };
  const attempt = async (args: readonly string[]): Promise<Ran | undefined> => {
    if (!socketIsTheirs(uid, socket)) return undefined;
    return run([TMUX, "-u", "-S", socket, ...args], { timeoutMs: ANSWER_WITHIN_MS, env });
  };
  return {
    hasSocket: () => socketIsTheirs(uid, socket),
    async ask(args) {
      const ran = await attempt(args);
      if (ran === undefined || (ran.code === 1 && NO_SERVER.test(ran.stderr))) return undefined;
      if (ran.overflowed) throw new Refusal(TOO_LONG);
      if (ran.code !== 0 || ran.timedOut)
        throw new Refusal(`the tmux server failed: ${describeFailure(ran, ANSWER_WITHIN_MS)}`);
      return ran.stdout;
    },
    async try(args) {
      const ran = await attempt(args);
      return ran ?? { argv: [TMUX], code: 1, stdout: "", stderr: "no server", timedOut: false, overflowed: false };
    },
  };
}

/**
 * Whether there is a socket to speak to. Anybody may make a folder of that name in `/tmp` before its person does.
 *
 * @throws Refusal when the folder or the socket is somebody else's, a link, or open to others.
 */
function socketIsTheirs(uid: number, socket: string): boolean {
  const path = socketFolder(uid);
  const folder = lstat(path);
  if (folder === undefined) return false;
  if (!folder.isDirectory()) throw new Refusal(`${path} is ${kindOf(folder)}, so the sessions are not read`);
  if (folder.uid !== uid) throw new Refusal(`${path} belongs to uid ${folder.uid}, so the sessions are not read`);
  if ((folder.mode & 0o077) !== 0) throw new Refusal(`${path} is open to others, so the sessions are not read`);
  const there = lstat(socket);
  if (there === undefined) return false;
  if (!there.isSocket() || there.uid !== uid) throw new Refusal(`${socket} is not a socket of this user`);
  return true;
}
