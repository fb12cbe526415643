/** Finds a user's tmux server that lives without its socket, and makes it bring the socket back. */

import { mkdirSync } from "node:fs";
import { lstat } from "../../lib/files.ts";
import { Refusal, systemCode } from "../../lib/errors.ts";
import { socketFolder, socketOf } from "../../shared/sessions/tmux-socket.ts";
import { KERNEL } from "./kernel-sockets.ts";
import { type Listeners, listenersOn, mayListenOn } from "./own-processes.ts";
import type { Tmux } from "./tmux-client.ts";

const WAIT_MS = 3000;
const PAUSE_MS = 30;

export interface Answer {
  /** Undefined when no server runs. */
  readonly answer: string | undefined;
  /** What was done about a lost socket. */
  readonly revived?: string;
  /** Another server lives, whose socket the one that answers has replaced. */
  readonly beside?: string;
}

/**
 * Asks the server, also one whose socket was deleted or replaced: tmux makes its socket anew on SIGUSR1.
 *
 * @throws Refusal when a server lives whose socket cannot be brought back, or is not to be: a second server would run
 *   the same conversations twice
 */
export async function askReviving(
  tmux: Tmux,
  uid: number,
  args: readonly string[],
  revive: boolean,
  kernel = KERNEL,
): Promise<Answer> {
  let first = await tmux.ask(args);
  const most = countOf(mayListenOn(uid, socketOf(uid), kernel));
  // One that was just being started did not listen yet.
  if (first === undefined && most > 0) first = await tmux.ask(args);
  if (most === 0 || (first !== undefined && most === 1)) return { answer: first };
  const listeners = await listenersOn(uid, socketOf(uid), kernel);
  const { servers, hidden } = listeners;
  if (first !== undefined) {
    const beside = countOf(listeners) < 2 ? undefined : await describeBeside(tmux, uid, listeners);
    return { answer: first, ...(beside === undefined ? {} : { beside }) };
  }
  const [pid, another] = servers;
  if (pid === undefined && hidden.length > 0) throw new Refusal(describeHidden(uid, hidden));
  if (pid === undefined) return { answer: undefined };
  const named = `their tmux server (process ${pid}) lives, and its socket ${socketOf(uid)} is gone`;
  if (another !== undefined)
    throw new Refusal(`${named}; so does process ${another} with the same socket: end one of them by hand`);
  if (!revive)
    throw new Refusal(`${named}; \`tmux-persist restore\` or \`ws-me restore\` makes it bring the socket back`);
  makeFolder(uid);
  process.kill(pid, "SIGUSR1");
  for (const until = Date.now() + WAIT_MS; Date.now() < until; ) {
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    const answer = await tmux.ask(args);
    if (answer !== undefined)
      return { answer, revived: `${named.replace("is gone", "was gone")}: it was brought back` };
  }
  throw new Refusal(`${named}; it does not bring the socket back on SIGUSR1`);
}

const countOf = ({ servers, hidden }: Listeners): number => servers.length + hidden.length;

/** Who opens a terminal after the socket was deleted starts a second server, and the first one goes on without a socket. */
async function describeBeside(tmux: Tmux, uid: number, listeners: Listeners): Promise<string | undefined> {
  const { servers, hidden, unclaimed } = listeners;
  const answering = Number((await tmux.ask(["display-message", "-p", "#{pid}"]))?.trim());
  // One that hides what it has open may be a server on another socket, once the one that answers accounts for this one.
  const mayListen = unclaimed > (hidden.includes(answering) ? 1 : 0) ? hidden : [];
  const others = [...servers, ...mayListen].filter((pid) => pid !== answering);
  if (others.length === 0) return undefined;
  return `their tmux server (process ${others.join(", ")}) lives, and process ${answering} has its socket ${socketOf(uid)}: end one of them by hand`;
}

/** It is not signalled: what runs under that name may be another program, which a signal would end. */
function describeHidden(uid: number, hidden: readonly number[]): string {
  const socket = socketOf(uid);
  return `a tmux server of theirs seems to live whose socket ${socket} is gone: the kernel still lists it, and process ${hidden.join(", ")} runs with another group (newgrp, sg), so it cannot be told whether it is the one; \`kill -USR1\` makes a tmux server bring the socket back, or end it by hand`;
}

/** The server makes the socket and not its folder. */
function makeFolder(uid: number): void {
  if (lstat(socketFolder(uid)) !== undefined) return;
  try {
    mkdirSync(socketFolder(uid), { mode: 0o700 });
  } catch (error) {
    // Somebody has made it meanwhile; whose it is, the client looks at.
    if (systemCode(error) !== "EEXIST") throw error;
  }
}
