/** Observes the running sessions of a user, and reads transcripts to match conversations to them. */

import { readlinkSync } from "node:fs";
import { uptime } from "node:os";
import { resolve } from "node:path";
import { systemCode } from "../../lib/errors.ts";
import { FORMAT, parseListing } from "../../shared/sessions/tmux-listing.ts";
import type { Evidence } from "../../shared/sessions/choose-conversation.ts";
import type { Assistant } from "../../shared/sessions/process-tree.ts";
import type { Observation, ObservedSession } from "../../shared/sessions/session-schemas.ts";
import { pathText } from "../../shared/sessions/path-encoding.ts";
import {
  argumentsOf,
  bootedAtMs,
  evidenceOf,
  outsideOf,
  type Seen,
  seenOf,
  sessionsOf,
  type TranscriptsSeen,
} from "../../shared/sessions/session-evidence.ts";
import { argvOf, listenersElsewhere, ownProcesses, variableOf } from "./own-processes.ts";
import { socketOf } from "../../shared/sessions/tmux-socket.ts";
import { askReviving } from "./revive-socket.ts";
import type { PersonHere, Tmux } from "./tmux-client.ts";
import { transcriptsOf } from "./find-transcripts.ts";

export const LIST_PANES = ["list-panes", "-a", "-F", FORMAT] as const;

/** @param revive whether a server that has lost its socket is to bring it back */
export async function observe(tmux: Tmux, person: PersonHere, revive: boolean): Promise<Observation> {
  const { answer: listing, revived, beside } = await askReviving(tmux, person.uid, LIST_PANES, revive);
  const elsewhere = describeElsewhere(person.uid);
  if (listing === undefined) return { server: "none", ...(elsewhere.length === 0 ? {} : { warnings: elsewhere }) };
  const { sessions, warnings } = readListing(listing, person);
  const told = [revived, beside].filter((sentence) => sentence !== undefined);
  return { server: "running", sessions, warnings: [...warnings, ...told, ...elsewhere] };
}

const MOST_NAMED = 5;

const describeElsewhere = (uid: number): string[] =>
  [...listenersElsewhere(uid, socketOf(uid))]
    .slice(0, MOST_NAMED)
    .map(
      ([pid, path]) =>
        `their tmux server (process ${pid}) listens on ${path} instead of ${socketOf(uid)}: its sessions are neither recorded nor restored`,
    );

/** What a listing of their panes tells together with their processes and transcripts. */
export interface SessionsFound {
  readonly sessions: ObservedSession[];
  readonly seen: readonly Seen[];
  readonly evidence: readonly Evidence[];
  /** Assistants outside of every session. */
  readonly outside: readonly Assistant[];
  readonly warnings: string[];
}

/** @param listing what `LIST_PANES` answers */
export function readListing(listing: string, { uid, home }: PersonHere): SessionsFound {
  const { found, warnings } = parseListing(listing);
  const read = { home, processes: ownProcesses(uid), argvOf, directoryOf };
  const seen = seenOf(found, read);
  const folders = new Map(
    seen.flatMap(({ session, speaker, assistants, directory }) => {
      const [assistant] = speaker?.assistants ?? assistants;
      const folder = assistant === undefined ? undefined : variableOf(assistant.pid, "CLAUDE_CONFIG_DIR");
      return folder === undefined ? [] : [[session.key, absolute(directory, folder)] as const];
    }),
  );
  const cache = new Map<string, TranscriptsSeen>();
  const transcripts = ({ session, directory }: Seen): TranscriptsSeen => {
    const folder = folders.get(session.key) ?? `${home}/.claude`;
    const key = `${folder}\0${directory}`;
    const all = cache.get(key) ?? transcriptsOf(folder, directory);
    cache.set(key, all);
    return all;
  };
  const bootMs = bootedAtMs(Date.now(), uptime());
  const outside = outsideOf(seen, read);
  const evidence = seen.map((one) => evidenceOf(one, bootMs, transcripts(one)));
  return {
    sessions: sessionsOf(seen, evidence, argumentsOf(outside), folders),
    seen,
    evidence,
    outside,
    warnings,
  };
}

/** The assistant takes a relative folder from its own directory. A path that is not UTF-8 is left as it is encoded. */
const absolute = (directory: string, folder: string): string =>
  folder.startsWith("base64:") ? folder : resolve(directory, folder);

function directoryOf(pid: number): string | undefined {
  try {
    return pathText(readlinkSync(`/proc/${pid}/cwd`, { encoding: "buffer" }));
  } catch (error) {
    // It has ended in the meantime, or it is somebody else's, whatever the server claims.
    if (["ENOENT", "ESRCH", "EACCES", "EPERM"].includes(systemCode(error) ?? "")) return undefined;
    throw error;
  }
}
