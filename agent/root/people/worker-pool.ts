/**
 * Runs one job per person in a pool of workers whose deadlines follow from how long the others take.
 *
 * The promise: one job that hangs makes a run take about twice its time, and keeps no other job from running. No fixed
 * deadline can keep it: one that suits a slow clone is many times a quiet run, and one that suits a quiet run aborts a
 * slow clone. So the pool works as follows.
 *
 * 1. Concurrency. `concurrency` jobs run at once. A job that has run for `blockedAfterMs` counts as blocked on something
 *    else than this machine, usually a remote, and gives its slot to the next one; at most `maxRunning` run in all.
 * 2. Drain. The pool is drained once every job has been started and each that still runs is blocked.
 * 3. Soft deadline. Only a drained pool sets one: `minDeadlineMs` after a job's start, or half as much again as the
 *    slowest finished job took, whichever is later. While others wait to be started and `maxRunning` are blocked, it is
 *    `queuedDeadlineMs`. Past it the job's `abortSoon` fires: it is to give up its remote and finish the rest.
 * 4. Hard deadline. Half of the time up to the last finished job later, and `minAbortDelayMs` at least, `abort` fires.
 */

import type { WorkerSignals } from "../system/run-as-user.ts";

export interface PoolLimits {
  readonly concurrency: number;
  readonly blockedAfterMs: number;
  readonly maxRunning: number;
  readonly minDeadlineMs: number;
  readonly queuedDeadlineMs: number;
  readonly minAbortDelayMs: number;
}

/** Two cores are the usual host, and half of what one person costs is waiting: for systemd, and for a remote. */
export const HOURLY_LIMITS: PoolLimits = {
  concurrency: 4,
  blockedAfterMs: 1000,
  maxRunning: 8,
  minDeadlineMs: 2000,
  queuedDeadlineMs: 10_000,
  minAbortDelayMs: 2000,
};

/** The limits for a machine that is busy with other things: its jobs are slow and do not hang. Up to six times as long. */
export function scaledForLoad(limits: PoolLimits, load: number, cores: number): PoolLimits {
  const factor = Math.min(Math.max(load / cores / 2, 1), 6);
  const { minDeadlineMs, queuedDeadlineMs, minAbortDelayMs } = limits;
  return {
    ...limits,
    minDeadlineMs: minDeadlineMs * factor,
    queuedDeadlineMs: queuedDeadlineMs * factor,
    minAbortDelayMs: minAbortDelayMs * factor,
  };
}

type Job = (signals: WorkerSignals) => Promise<void>;

interface Running {
  readonly startedMs: number;
  readonly abortSoon: AbortController;
  readonly abort: AbortController;
  /** When `abortSoon` fired. */
  abortSoonMs?: number;
}

/**
 * Runs every job once; a job that throws has ended like any other.
 *
 * @param onDrained called once, when the pool is drained or has ended
 */
export async function runPool(
  jobs: readonly Job[],
  limits: PoolLimits,
  onDrained: () => void = () => undefined,
): Promise<void> {
  const beganMs = performance.now();
  const running = new Set<Running>();
  let next = 0;
  let lastEndMs = beganMs;
  let slowestMs = 0;
  let wasDrained = false;
  let wake: () => void = () => undefined;

  const start = (job: Job) => {
    const one: Running = {
      startedMs: performance.now(),
      abortSoon: new AbortController(),
      abort: new AbortController(),
    };
    running.add(one);
    const ended = () => {
      running.delete(one);
      lastEndMs = performance.now();
      if (one.abortSoonMs === undefined) slowestMs = Math.max(slowestMs, lastEndMs - one.startedMs);
      wake();
    };
    job({ abortSoon: one.abortSoon.signal, abort: one.abort.signal }).then(ended, ended);
  };

  while (next < jobs.length || running.size > 0) {
    const nowMs = performance.now();
    const isBlocked = (one: Running) => nowMs >= one.startedMs + limits.blockedAfterMs;
    const busy = [...running].filter((one) => !isBlocked(one)).length;
    for (let free = limits.concurrency - busy; free > 0 && running.size < limits.maxRunning; free -= 1) {
      const job = jobs[next];
      if (job === undefined) break;
      next += 1;
      start(job);
    }
    const allBlocked = [...running].every(isBlocked);
    const isDrained = allBlocked && next === jobs.length;
    if (isDrained && !wasDrained) onDrained();
    wasDrained ||= isDrained;
    // When something is next to be decided about each running job.
    const dueMs = [...running].map((one) => {
      if (one.abortSoonMs !== undefined)
        return one.abortSoonMs + Math.max(limits.minAbortDelayMs, (lastEndMs - beganMs) / 2);
      if (!allBlocked) return one.startedMs + limits.blockedAfterMs;
      if (!isDrained) return one.startedMs + limits.queuedDeadlineMs;
      return one.startedMs + Math.max(limits.minDeadlineMs, 1.5 * slowestMs);
    });
    for (const [at, one] of [...running].entries()) {
      if (nowMs < (dueMs[at] ?? 0)) continue;
      if (one.abortSoonMs !== undefined) one.abort.abort();
      else if (allBlocked) {
        one.abortSoonMs = nowMs;
        one.abortSoon.abort();
      }
    }
    if (running.size === 0) continue;
    const waitMs = Math.min(...dueMs.filter((at) => at > nowMs), nowMs + 1000) - nowMs;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.max(waitMs, 5));
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
  if (!wasDrained) onDrained();
}
