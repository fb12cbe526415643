/** Starts a user's terminal service on the socket that systemd passes, and ends it when no terminal has been open for a while. */

import { mkdirSync, rmSync } from "node:fs";
import { userInfo } from "node:os";
import { clean } from "../../lib/log.ts";
import { MOST_TERMINALS } from "../../shared/terminal/protocol.ts";
import { socketOf } from "../../shared/sessions/tmux-socket.ts";
import { tmuxOf } from "../sessions/tmux-client.ts";
import { attachClient } from "./attach-client.ts";
import { createTerminalServer } from "./server.ts";
import { createSession, sessionId, startUserServer } from "./tmux-sessions.ts";

const IDLE_MS = 60_000;
/** `sd_listen_fds(3)`: the first descriptor that is passed. */
const FIRST_PASSED = 3;
const PTY_PROGRAM = "/usr/lib/workstation/terminal-pty";

const log = (line: string): void => void process.stderr.write(`${clean(line)}\n`);

if (process.env.LISTEN_FDS !== "1") {
  log("expected one socket of systemd; start workstation-terminal@<user>.socket instead");
  process.exit(1);
}
const { uid, homedir: home, shell, username } = userInfo();
const folder = `${process.env.RUNTIME_DIRECTORY ?? ""}/inputs`;
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { mode: 0o700 });
const env = {
  ...{ PATH: "/usr/local/bin:/usr/bin:/bin", HOME: home, USER: username, LOGNAME: username },
  ...{ LANG: "C.UTF-8", LC_ALL: "C.UTF-8", TERM: "xterm-256color" },
};
const person = { uid, home };
const tmux = tmuxOf(person);
createTerminalServer({
  find: (name) => sessionId(tmux, uid, name),
  attach: (id, size) =>
    attachClient({ program: PTY_PROGRAM, folder, tmuxSocket: socketOf(uid), sessionId: id, size, env }),
  create: (name) => createSession(tmux, person, name, () => startUserServer(person, shell ?? "/bin/sh")),
  log,
  mostTerminals: MOST_TERMINALS,
  idle: { afterMs: IDLE_MS, end: () => process.exit(0) },
}).listen({ fd: FIRST_PASSED });
