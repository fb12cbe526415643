/** Starts the tmux server of the user who runs this, so that it outlives the login that asks for it. */

import { randomBytes } from "node:crypto";
import { userInfo } from "node:os";
import { Refusal } from "../../lib/errors.ts";
import { describeFailure, run } from "../../lib/exec.ts";
import { lstat } from "../../lib/files.ts";
import type { PersonHere } from "./tmux-client.ts";

const TIMEOUT_MS = 15_000;

/**
 * In a unit of its own, as the host's own restore does: the kernel's end of one program must not take every session along.
 * It has no session and stays without one until a restore has made some.
 */
export async function startOwnServer({ uid, home }: PersonHere): Promise<void> {
  const runtime = `/run/user/${uid}`;
  const env = {
    PATH: "/usr/local/bin:/usr/bin:/bin",
    HOME: home,
    LANG: "C.UTF-8",
    SHELL: userInfo().shell ?? "/bin/sh",
    XDG_RUNTIME_DIR: runtime,
  };
  const hasManager = lstat(`${runtime}/systemd/private`) !== undefined;
  const unit = `tmux-server-${randomBytes(4).toString("hex")}.service`;
  const argv = hasManager
    ? [
        ...["/usr/bin/systemd-run", "--user", "--collect", "--quiet", "--service-type=exec", `--unit=${unit}`],
        ...["--description=tmux", "-p", "OOMPolicy=continue", "-p", "WorkingDirectory=~"],
        ...[`--setenv=SHELL=${env.SHELL}`, "--setenv=LANG=C.UTF-8", "--", "/usr/bin/tmux", "-u", "-D"],
      ]
    : ["/usr/bin/tmux", "-u", "start-server", ";", "set-option", "-s", "exit-empty", "off"];
  const ran = await run(argv, { timeoutMs: TIMEOUT_MS, env, cwd: home });
  if (ran.code !== 0) throw new Refusal(`your tmux server could not be started: ${describeFailure(ran, TIMEOUT_MS)}`);
}
