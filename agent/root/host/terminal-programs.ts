/** Installs what a person's terminal service runs, and restarts the services that run with a former version of it. */

import { asset } from "../../lib/assets.ts";
import { type Step, says } from "../../lib/converge.ts";
import { reloadOnChange } from "../services/reload-on-change.ts";
import { TERMINAL_SERVICE } from "../services/unit-names.ts";
import type { Machine } from "../system/cached-accounts-and-units.ts";
import { runOrThrow } from "../system/privileged-operations.ts";

/**
 * A service with an open terminal runs for days, so it has to be restarted: sessions live elsewhere, and each page connects
 * again within moments.
 *
 * @param textOf a file that the agent carries, by name
 */
export const terminalPrograms = (m: Machine, textOf: (name: string) => string = asset): Step =>
  reloadOnChange(m, {
    name: "terminals",
    key: "terminal",
    files: [
      { path: "/usr/lib/workstation/terminal.cjs", text: textOf("terminal.cjs"), mode: 0o644 },
      { path: "/usr/lib/workstation/terminal-pty", text: textOf("terminal-pty.sh"), mode: 0o755 },
      // Loaded by now, and what runs knows the former one.
      { path: `/etc/systemd/system/${TERMINAL_SERVICE}`, text: textOf(TERMINAL_SERVICE), mode: 0o644 },
    ],
    filePoint: "base-file",
    loadPoint: "base-daemon-reload",
    loadSays: says("restart", "open terminals' services, since their program changed"),
    // Not waited for: one person's service that does not start must not fail the host, and its socket starts it again.
    load: () => runOrThrow(m.sys, ["/usr/bin/systemctl", "--no-block", "try-restart", TERMINALS]),
  });

/** Of everybody; systemd matches it against the units that are loaded. */
const TERMINALS = TERMINAL_SERVICE.replace("@.", "@*.");
