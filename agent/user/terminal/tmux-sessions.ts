/** Finds and creates a user's tmux sessions for terminals in the browser, and starts their tmux server where none runs. */

import { setTimeout as pause } from "node:timers/promises";
import { Refusal } from "../../lib/errors.ts";
import { describeFailure, run } from "../../lib/exec.ts";
import type { NewSessionAnswer } from "../../shared/terminal/protocol.ts";
import { literal } from "../sessions/tmux-names.ts";
import type { PersonHere, Tmux } from "../sessions/tmux-client.ts";

const PANE = "/usr/lib/workstation/pane";
/** For the user's own shell, whichever that is. A home without the launcher gets a shell. */
const LAUNCHER = `exec /bin/sh -c 'if [ -x ~/start-claude.sh ]; then exec ~/start-claude.sh; fi; exec "$SHELL" -l'`;
const START_MS = 20_000;
const LISTEN_TRIES = 100;
const LISTEN_PAUSE_MS = 50;

/** tmux's own id of the session with exactly this name; undefined when none has it, or no server runs. */
export async function sessionId(tmux: Tmux, name: string): Promise<string | undefined> {
  return (await sessionsOf(tmux)).get(name);
}

async function sessionsOf(tmux: Tmux): Promise<ReadonlyMap<string, string>> {
  const listing = (await tmux.ask(["list-sessions", "-F", "#{session_id} #{session_name}"])) ?? "";
  return new Map(
    listing.split("\n").flatMap((line) => {
      const [, id, name] = /^(\$\d+) (.+)$/.exec(line) ?? [];
      return id === undefined || name === undefined ? [] : [[name, id] as const];
    }),
  );
}

/**
 * Makes a session that begins with the launcher.
 *
 * @param name as its owner wants it; undefined takes the first free one of `work-1`, `work-2`, …
 * @param startServer starts a server without a session
 */
export async function createSession(
  tmux: Tmux,
  { home }: PersonHere,
  name: string | undefined,
  startServer: () => Promise<void>,
): Promise<NewSessionAnswer> {
  const sessions = await sessionsOf(tmux);
  if (name !== undefined && sessions.has(name))
    return { refused: `You have a session "${name}" already. Choose another name.` };
  const started = (await tmux.ask(["show-options", "-s", "exit-empty"])) === undefined;
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
