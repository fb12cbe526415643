/** Tries once, for all the panes of a restore, whether their person's user manager makes a scope with their limit of memory. */

import { readFileSync } from "node:fs";
import { userInfo } from "node:os";
import { ROOT_ENV, run } from "../../lib/exec.ts";
import { lstat, readSmallFile, replaceFile } from "../../lib/files.ts";
import type { PersonHere } from "./tmux-client.ts";

const TIMEOUT_MS = 5000;

/** Each pane that starts within the next two seconds reads it; every other one tries by itself. */
const TRIED = "workstation-scope-tried";

export async function tryScope({ uid }: PersonHere): Promise<void> {
  const runtime = `/run/user/${uid}`;
  const limit = readSmallFile(`/etc/workstation/panes/${userInfo().username}`)?.toString("utf8").trim();
  if (limit === undefined || lstat(`${runtime}/systemd/private`) === undefined) return;
  const properties = [`MemoryMax=${limit}`, "MemorySwapMax=0", "OOMPolicy=continue"].flatMap((one) => ["-p", one]);
  const argv = [
    "/usr/bin/systemd-run",
    "--user",
    "--scope",
    "--quiet",
    "--collect",
    ...properties,
    "--",
    "/usr/bin/true",
  ];
  const ran = await run(argv, { timeoutMs: TIMEOUT_MS, env: { ...ROOT_ENV, XDG_RUNTIME_DIR: runtime } });
  if (ran.code !== 0) return;
  const seconds = readFileSync("/proc/uptime", "utf8").split(".")[0] ?? "";
  try {
    replaceFile(`${runtime}/${TRIED}`, { bytes: `${seconds}\n`, mode: 0o600 });
  } catch {
    // A folder that is full, or whatever its person has put in the place of the file: then each pane tries by itself.
  }
}
