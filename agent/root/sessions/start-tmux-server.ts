/** Starts a user's tmux server in a unit of its own, so that it outlives the process that starts it. */

import { randomBytes } from "node:crypto";
import { Refusal } from "../../lib/errors.ts";
import { describeFailure } from "../../lib/exec.ts";
import type { User } from "../system/account-database.ts";
import { lingerFile } from "../accounts/find-processes.ts";
import { runOrThrow, type System } from "../system/privileged-operations.ts";

/**
 * Starts a server without a session, in a unit of its own in the person's slice: the kernel's end of one program must
 * not take every session along. Without `NoNewPrivileges`, since an admin works with sudo in it.
 */
export async function startServer(sys: System, user: User): Promise<void> {
  // Else their manager, which holds the panes, is stopped with all of them when a login of theirs ends. The account step
  // sees to it; not for an account that is not ours.
  if (sys.look(lingerFile(user.name)) === undefined)
    await runOrThrow(sys, ["/usr/bin/loginctl", "enable-linger", user.name]);
  const unit = `tmux-server-${user.name}-${randomBytes(4).toString("hex")}.service`;
  const properties = [
    `Slice=user-${user.uid}.slice`,
    "OOMPolicy=continue",
    "WorkingDirectory=~",
    // The panes' own caps are made by the person's manager, which no login has started yet at boot.
    `Wants=user@${user.uid}.service`,
    `After=user@${user.uid}.service`,
  ];
  const environment = [`SHELL=${user.shell}`, "LANG=C.UTF-8", `XDG_RUNTIME_DIR=/run/user/${user.uid}`];
  const argv = [
    "/usr/bin/systemd-run",
    ...["--collect", "--quiet", "--service-type=exec", `--unit=${unit}`, `--description=tmux of ${user.name}`],
    ...[`--uid=${user.uid}`, `--gid=${user.gid}`],
    ...properties.flatMap((property) => ["-p", property]),
    ...environment.map((assignment) => `--setenv=${assignment}`),
    // In the foreground; it makes its folder itself, and refuses one that is not safely its person's.
    ...["--", "/usr/bin/tmux", "-u", "-D"],
  ];
  const ran = await sys.run(argv);
  if (ran.code !== 0) throw new Refusal(`the tmux server could not be started: ${describeFailure(ran)}`);
}
