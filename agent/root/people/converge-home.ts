/**
 * Converges one person's home: starts their worker where something may have changed, and reports and records its
 * answer.
 */

import { Refusal } from "../../lib/errors.ts";
import type { WorkerLine } from "../../shared/worker-protocol.ts";
import type { PersonRun } from "./person-run.ts";
import { removeChangeDigest } from "../state/change-digests.ts";
import { detectChanges } from "./detect-changes.ts";
import type { PersonPart } from "../state/stored-parts.ts";
import { writeCloneWarnings } from "../state/clone-warnings.ts";
import type { WorkerSignals } from "../system/run-as-user.ts";
import { removePendingRemote, readPendingRemote, writePendingRemote } from "../state/pending-remotes.ts";
import { Busy, callWorker } from "./call-worker.ts";

type ClonesPart = Extract<PersonPart, { kind: "clones" }>;

/**
 * @returns how many things were changed
 * @throws Refusal with all that failed, when something did
 */
export async function convergeHome(
  run: PersonRun,
  part: ClonesPart,
  signals: WorkerSignals | undefined,
): Promise<number> {
  const { m, mode } = run;
  const osUser = part.osUser;
  if (part.state === "left") {
    if (mode === "apply") removePendingRemote(m.sys, osUser);
    return 0;
  }
  const user = m.accounts().users.get(osUser);
  if (user === undefined && mode === "check") return 0;
  if (user === undefined) throw new Refusal("they have no account on this host; see the failure of the account part");
  if (user.uid !== part.uid)
    throw new Refusal(`the account has uid ${user.uid} on this host, but ${part.uid} was delivered`);
  const waits = readPendingRemote(m.sys, osUser) !== undefined;
  const abort = signals === undefined ? {} : { abort: signals.abortSoon };
  const looked = run.probing(osUser)
    ? await detectChanges(m.sys, user, part, { fetch: mode === "apply" && !waits, ...abort })
    : undefined;
  if (waits) run.warn(`${osUser}: warning: ${ELSEWHERE}`);
  if (looked?.known) return 0;
  if (mode === "apply") removeChangeDigest(m.sys, osUser);
  const offline = waits || looked?.late === true;
  const call = { user, part, mode, deadlineMs: run.workerDeadlineMs, failpoint: run.failpoint, offline };
  try {
    const lines = await callWorker(m.sys, { ...call, ...(signals === undefined ? {} : { signals }) });
    const late: readonly WorkerLine[] = looked?.late ? [{ kind: "unfinished" }] : [];
    const changed = tellOf(run, osUser, [...lines, ...late]);
    // What no remote was asked for is not known to be all.
    if (lines.length === 0 && mode === "apply" && !offline) looked?.remember();
    return changed;
  } catch (error) {
    if (error instanceof Busy && waits) return 0;
    throw error;
  }
}

const ELSEWHERE = "a remote did not answer in time and is retried in the background; the clones are unchanged";

function tellOf(run: PersonRun, osUser: string, lines: readonly WorkerLine[]): number {
  const failed: string[] = [];
  const warned = lines.flatMap((line) => (line.kind === "warning" ? [line.says] : []));
  if (run.mode === "apply") writeCloneWarnings(run.m.sys, osUser, warned);
  let changed = 0;
  for (const line of lines) {
    if (line.kind === "changed") {
      changed += 1;
      run.info(`${osUser}: ${line.says}`);
    } else if (line.kind === "warning") run.warn(`${osUser}: warning: ${line.says}`);
    else if (line.kind === "failed") failed.push(`${line.step}: ${line.says}`);
    else if (line.kind === "unfinished" && run.mode === "apply") {
      writePendingRemote(run.m.sys, osUser, { sinceMs: run.nowMs, tries: 0 });
      run.warn(`${osUser}: warning: a remote did not answer in time; it is retried in the background`);
    }
  }
  if (failed.length > 0) throw new Refusal(failed.join("; "));
  return changed;
}
