/** Observes the running sessions of a user, and reads transcripts to match conversations to them. */

import { readlinkSync } from "node:fs";
import { uptime } from "node:os";
import { systemCode } from "../../lib/errors.ts";
import { FORMAT, parseListing } from "../../shared/sessions/tmux-listing.ts";
import type { Observation } from "../../shared/sessions/session-schemas.ts";
import { pathText } from "../../shared/sessions/path-encoding.ts";
import { bootedAtMs, evidenceOf, seenOf, sessionsOf } from "../../shared/sessions/session-evidence.ts";
import { argvOf, ownProcesses } from "./own-processes.ts";
import type { PersonHere, Tmux } from "./tmux-client.ts";
import { transcriptsOf } from "./find-transcripts.ts";

export async function observe(tmux: Tmux, { uid, home }: PersonHere): Promise<Observation> {
  const listing = await tmux.ask(["list-panes", "-a", "-F", FORMAT]);
  if (listing === undefined) return { server: "none" };
  const { found, warnings } = parseListing(listing);
  const seen = seenOf(found, { home, processes: ownProcesses(uid), argvOf, directoryOf });
  const transcripts = new Map([...new Set(seen.map((s) => s.directory))].map((d) => [d, transcriptsOf(home, d)]));
  const bootMs = bootedAtMs(Date.now(), uptime());
  const evidence = seen.map((one) => evidenceOf(one, bootMs, transcripts.get(one.directory) ?? []));
  return { server: "running", sessions: sessionsOf(seen, evidence), warnings };
}

function directoryOf(pid: number): string | undefined {
  try {
    return pathText(readlinkSync(`/proc/${pid}/cwd`, { encoding: "buffer" }));
  } catch (error) {
    // It has ended in the meantime, or it is somebody else's, whatever the server claims.
    if (["ENOENT", "ESRCH", "EACCES", "EPERM"].includes(systemCode(error) ?? "")) return undefined;
    throw error;
  }
}
