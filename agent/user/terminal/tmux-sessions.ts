/** Finds and creates a user's tmux sessions for terminals in the browser, and starts their tmux server where none runs. */

import { setTimeout as pause } from "node:timers/promises";
import { Refusal } from "../../lib/errors.ts";
import { describeFailure, run } from "../../lib/exec.ts";
import type { NewSessionAnswer } from "../../shared/terminal/protocol.ts";
import type { Kernel } from "../sessions/kernel-sockets.ts";
import { askReviving } from "../sessions/revive-socket.ts";
import { literal } from "../sessions/tmux-names.ts";
import type { PersonHere, Tmux } from "../sessions/tmux-client.ts";

const PANE = "/usr/lib/workstation/pane";
/** For the user's own shell, whichever that is. A home without the launcher gets a shell. */
const LAUNCHER = `exec /bin/sh -c 'if [ -x ~/start-claude.sh ]; then exec ~/start-claude.sh; fi; exec "$SHELL" -l'`;
const START_MS = 20_000;
const LISTEN_TRIES = 100;
const LISTEN_PAUSE_MS = 50;

/**
 * tmux's own id of the session with exactly this name; undefined when none has it, or no server runs. A server that has lost its
 * socket brings it back.
 *
 * @throws Refusal where it cannot be told, since a server that lives cannot be asked
 */
export async function sessionId(tmux: Tmux, uid: number, name: string, kernel?: Kernel): Promise<string | undefined> {
  const { answer, beside } = await askReviving(tmux, uid, SESSIONS, true, kernel);
  const id = idsByName(answer ?? "").get(name);
  if (id === undefined && beside !== undefined) throw new Refusal(beside);
  return id;
}

const SESSIONS = ["list-sessions", "-F", "#{session_id} #{session_name}"] as const;

const idsByName = (listing: string): ReadonlyMap<string, string> =>
  new Map(
    listing.split("\n").flatMap((line) => {
      const [, id, name] = /^(\$\d+) (.+)$/.exec(line) ?? [];
      return id === undefined || name === undefined ? [] : [[name, id] as const];
    }),
  );

/**
 * Makes a session that begins with the launcher. A server that lives without its socket is never taken for none: a second
 * one would keep the sessions of the first out of reach.
 *
 * @param name as its owner wants it; undefined takes the first free one of `work-1`, `work-2`, …
 * @param startServer starts a server without a session
 */
export async function createSession(
  tmux: Tmux,
  { uid, home }: PersonHere,
  name: string | undefined,
  startServer: () => Promise<void>,
  kernel?: Kernel,
): Promise<NewSessionAnswer> {
  const found = await askReviving(tmux, uid, SESSIONS, true, kernel).catch(refusedOf);
  if ("refused" in found) return found;
  const sessions = idsByName(found.answer ?? "");
  if (name !== undefined && sessions.has(name))
    return { refused: `You have a session "${name}" already. Choose another name.` };
  const started = found.answer === undefined;
  if (started) {
    await startServer();
    await untilListening(tmux);
  }
  const free = name ?? firstFree(sessions);
  const command = ["--", PANE, "-c", LAUNCHER];
  const made = await tmux.try(["new-session", "-d", "-s", free, "-c", literal(home), ...command]);
  // A server that was started without a session is to end with its last one, as others do.
  if (started) await tmux.try(["set-option", "-s", "exit-empty", "on"]);
  return made.code === 0 ? { name: free } : { refused: describeFailure({ ...made, argv: ["tmux new-session"] }) };
}

const LONGEST_REFUSAL = 1000;

function refusedOf(error: unknown): { readonly refused: string } {
  if (error instanceof Refusal) return { refused: error.message.slice(0, LONGEST_REFUSAL) };
  throw error;
}

function firstFree(sessions: ReadonlyMap<string, string>): string {
  let number = 1;
  while (sessions.has(`work-${number}`)) number += 1;
  return `work-${number}`;
}

async function untilListening(tmux: Tmux): Promise<void> {
  for (let tried = 0; tried < LISTEN_TRIES; tried += 1) {
    if ((await tmux.ask(["show-options", "-s", "exit-empty"])) !== undefined) return;
    await pause(LISTEN_PAUSE_MS);
  }
  throw new Refusal("the tmux server was started and does not listen");
}

/**
 * Starts the server in the user's own service manager: it must outlive the terminal service, and a terminal that may
 * gain no rights must not take `sudo` away from the sessions of an admin.
 */
export async function startUserServer({ uid, home }: PersonHere, shell: string): Promise<void> {
  const properties = ["OOMPolicy=continue", `WorkingDirectory=${home}`];
  const argv = [
    "/usr/bin/systemd-run",
    ...["--user", "--collect", "--quiet", "--service-type=exec", "--description=tmux"],
    ...properties.flatMap((property) => ["-p", property]),
    ...[`--setenv=SHELL=${shell}`, "--setenv=LANG=C.UTF-8"],
    ...["--", "/usr/bin/tmux", "-u", "-D"],
  ];
  const env = { PATH: "/usr/local/bin:/usr/bin:/bin", HOME: home, XDG_RUNTIME_DIR: `/run/user/${uid}` };
  const ran = await run(argv, { timeoutMs: START_MS, env });
  if (ran.code !== 0) throw new Refusal(`the tmux server could not be started: ${describeFailure(ran, START_MS)}`);
}
