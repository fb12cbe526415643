/**
 * Observes one user's sessions: by a short shell script as that user, and by their worker where the script is not
 * enough.
 */

import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { uptime } from "node:os";
import { Refusal } from "../../lib/errors.ts";
import type { User } from "../system/account-database.ts";
import { runContained } from "../system/run-as-user.ts";
import { SESSIONS_PROBE } from "../system/installed-paths.ts";
import type { System } from "../system/privileged-operations.ts";
import { namesOne, transcriptsMatter } from "../../shared/sessions/choose-conversation.ts";
import { isFolderOf } from "../../shared/sessions/transcript-folder.ts";
import { FORMAT } from "../../shared/sessions/tmux-listing.ts";
import {
  type Observation,
  observation,
  type ObservedSession,
  type Session,
} from "../../shared/sessions/session-schemas.ts";
import { type Named, type Probed, readProbe } from "./parse-probe-output.ts";
import {
  argumentsOf,
  bootedAtMs,
  evidenceOf,
  isHiding,
  outsideOf,
  type Seen,
  seenOf,
  SLACK_MS,
  sessionsOf,
  startedAtMs,
} from "../../shared/sessions/session-evidence.ts";
import {
  ANSWER_WITHIN_MS,
  type ListedSocket,
  listedSockets,
  NO_SERVER,
  socketFolder,
  socketOf,
  TOO_LONG,
} from "../../shared/sessions/tmux-socket.ts";
import { childrenIn } from "../../shared/sessions/process-tree.ts";
import { observeByWorker } from "./call-worker.ts";
import { cachedObservation, cacheObservation } from "./observation-cache.ts";

export interface SessionsLook {
  readonly observation: Observation;
  /** Keeps what their worker found, so that the next look at the very same does without it. */
  remember(): void;
}

/**
 * @param revive whether a server of theirs that has lost its socket is made to bring it back
 * @throws Refusal when their server could not be asked
 */
export async function observeSessions(sys: System, user: User, revive: boolean): Promise<SessionsLook> {
  const probed = await probe(sys, user);
  if (probed === "none") return { observation: { server: "none" }, remember: () => undefined };
  const { observation: known, key } = probed === undefined ? {} : withoutWorker(sys, user, probed);
  if (known !== undefined) return { observation: known, remember: () => undefined };
  const found = await observeByWorker(sys, user, revive);
  return {
    observation: found,
    remember: () => (key === undefined || !isWhole(found) ? undefined : cacheObservation(sys, user.name, key, found)),
  };
}

/** What could not be read may be readable the next time, and the probe would not tell. Exported for the tests. */
export const isWhole = (found: Observation): boolean => found.server === "none" || found.unread !== true;

/** What the probe tells or a worker has found before by the very same; otherwise the key to keep what one finds. */
function withoutWorker(
  sys: System,
  user: User,
  probed: Probed,
): { readonly observation?: Observation | undefined; readonly key?: string } {
  const decided = decide(probed, Date.now(), uptime());
  if (decided === undefined || decided.observation !== undefined) return { observation: decided?.observation };
  const key = createHash("sha256").update(decided.seen).digest("hex");
  return { observation: cachedObservation(sys, user.name, key), key };
}

/** A session that runs, with the conversation that is certainly its own. */
export type Running = Pick<Session, "name" | "conversation"> & Partial<Pick<ObservedSession, "assistantRuns">>;

/**
 * What runs, as far as it can be told without their worker; `none` where no server does.
 *
 * @param serving the uids that run a tmux server. A server that was killed leaves its socket; who runs none, and whose socket
 *   nobody listens on, is not asked by a process of theirs.
 */
export async function sessionsRunning(
  sys: System,
  user: User,
  serving: ReadonlySet<number>,
): Promise<readonly Running[] | "none"> {
  if (!serving.has(user.uid) && withoutSocket(user) === "none") return "none";
  const probed = await probe(sys, user);
  if (probed === "none") return "none";
  const known = probed === undefined ? undefined : withoutWorker(sys, user, probed).observation;
  return known?.server === "running" ? known.sessions : (probed?.found.map(({ name }) => ({ name })) ?? []);
}

const DEADLINE_MS = 15_000;
/** What `sessions-probe.sh` ends with where there is no socket. */
const NO_SOCKET = 3;
/** With which it ends when the server did not answer in time. */
const KILLED = 137;

/**
 * Starting a worker costs several times as much as all else in a look. The probe runs as the person under the same rules,
 * and whoever forges what theirs tells decides about their own record alone.
 *
 * @throws Refusal for a server that does not answer, or without an end
 */
async function probe(sys: System, user: User): Promise<Probed | "none" | undefined> {
  const folder = sys.look(socketFolder(user.uid));
  if (folder === undefined) return withoutSocket(user);
  // Only its entry in `/tmp`. What is not safely theirs alone their worker names, and does not look into.
  if (!folder.isDirectory() || folder.uid !== user.uid || (folder.mode & 0o077) !== 0) return undefined;
  const between = randomBytes(16).toString("hex");
  const argv = ["/bin/sh", SESSIONS_PROBE, socketOf(user.uid), user.home, FORMAT, between];
  const ran = await runContained(sys, { user, name: "sessions-probe", argv, input: "", deadlineMs: DEADLINE_MS });
  if (!ran.stdout.includes(between)) {
    if (ran.overflowed) throw new Refusal(TOO_LONG);
    if (ran.code === KILLED) throw new Refusal(`the tmux server did not answer within ${ANSWER_WITHIN_MS / 1000} s`);
  }
  if (ran.timedOut || ran.overflowed) return undefined;
  if (ran.code === NO_SOCKET || (ran.code === 1 && NO_SERVER.test(ran.stderr))) return withoutSocket(user);
  // Another server may go on whose socket this one has replaced, or on another one: their worker looks for it.
  if (ran.code !== 0 || socketsOf(user).length > 1) return undefined;
  return readProbe(ran.stdout, between, user.home);
}

/**
 * A server may have lost its socket, and then the kernel still knows the name, or listen on another one in a folder of the
 * same name (`tmux -L`, `TMUX_TMPDIR`): their worker looks for it.
 */
function withoutSocket(user: User): "none" | undefined {
  return socketsOf(user).length > 0 ? undefined : "none";
}

/** What is or may be listened on in a folder of tmux's for them. What anybody else adds to the list only costs a worker. */
const socketsOf = ({ uid }: User): readonly ListedSocket[] =>
  listedSockets(readFileSync("/proc/net/unix", "latin1")).filter(({ path }) => path.includes(`/tmux-${uid}/`));

interface Decided {
  /** Undefined when it needs a look into transcripts. */
  readonly observation: Observation | undefined;
  /** All that such a look would go by. */
  readonly seen: string;
}

/** Exported for the tests. */
export function decide(
  { found, read, transcripts, isListedWhole }: Probed,
  nowMs: number,
  upS: number,
): Decided | undefined {
  const bootMs = bootedAtMs(nowMs, upS);
  const seen = seenOf(found, read);
  const children = childrenIn(read.processes);
  if (seen.some((one) => isHiding(one, children, read))) return undefined;
  const evidence = seen.map((one) =>
    evidenceOf(one, bootMs, { written: writtenOf(one, transcripts), transcripts: [] }),
  );
  if (!isListedWhole && evidence.some((e) => e.startedAtMs !== undefined || !namesOne(e))) return undefined;
  const written = seen.map((one) => writtenSince(one, bootMs, transcripts));
  if (written.flat().length > MOST_WRITTEN) return undefined;
  const outside = argumentsOf(outsideOf(seen, read));
  const matter = transcriptsMatter(
    evidence,
    new Map(seen.map(({ session }, at) => [session.key, (written[at] ?? []).map(({ id }) => id)])),
    outside,
  );
  const sessions = sessionsOf(seen, evidence, outside);
  const parsed = observation.safeParse({ server: "running", sessions, warnings: [] });
  if (!parsed.success) return undefined;
  return {
    observation: matter ? undefined : parsed.data,
    seen: JSON.stringify([
      seen,
      outside,
      sessions,
      written.map((all) => all.map(({ id, bytes }) => [id, Math.min(bytes, HEAD_BYTES)])),
    ]),
  };
}

/** Which conversations can be resumed from a session's directory; the rest of what is told of them is for the worker. */
function writtenOf({ directory }: Seen, transcripts: readonly Named[]): ReadonlyMap<string, number> {
  const isTheirs = isFolderOf(directory);
  return new Map(transcripts.filter((t) => isTheirs(t.folder)).map((t) => [t.id, t.changedAtMs]));
}

/** Of all sessions together; one transcript counts once a session of its directory. */
const MOST_WRITTEN = 5000;
/** So much of a transcript tells whose it is; what comes later changes nothing. */
const HEAD_BYTES = 64 * 1024;

function writtenSince(seen: Seen, bootMs: number, transcripts: readonly Named[]): readonly Named[] {
  const started = startedAtMs(seen, bootMs);
  if (started === undefined) return [];
  const isTheirs = isFolderOf(seen.directory);
  // One transcript too many only costs a worker.
  const candidates = transcripts.filter((t) => t.changedAtMs > started - SLACK_MS && isTheirs(t.folder));
  return candidates.sort((a, b) => (a.id < b.id ? -1 : 1));
}
