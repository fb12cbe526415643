/** Works for several people at once, so that whoever hangs keeps nobody waiting, and the whole for about as long again at most. */

import type { Pace } from "../../lib/exec.ts";

export interface Patience {
  /** How many work at once. One that has not ended after `waitsAfterMs` counts as waiting, and another one starts. */
  readonly atOnce: number;
  readonly waitsAfterMs: number;
  /** How many may wait and work together. */
  readonly most: number;
  /** Nobody is hurried before they had this long. */
  readonly leastMs: number;
  /** Nor, while all `most` wait and others have not begun, before this long. */
  readonly crowdedMs: number;
  /** From being hurried to being stopped, at least. */
  readonly stopMs: number;
}

/** Two cores are the usual host, and half of what one person costs is waiting: for systemd, and for a remote. */
export const HOURLY: Patience = {
  atOnce: 4,
  waitsAfterMs: 1000,
  most: 8,
  leastMs: 2000,
  crowdedMs: 10_000,
  stopMs: 2000,
};

/** On a machine that is busy with other things everything takes longer, and who is slow with it is not to be taken for stuck. */
export function asBusy(patience: Patience, load: number, cores: number): Patience {
  const slow = Math.min(Math.max(load / cores / 2, 1), 6);
  const { leastMs, crowdedMs, stopMs } = patience;
  return { ...patience, leastMs: leastMs * slow, crowdedMs: crowdedMs * slow, stopMs: stopMs * slow };
}

interface Running {
  readonly startedMs: number;
  readonly hurry: AbortController;
  readonly stop: AbortController;
  hurriedMs?: number;
}

/**
 * Runs every job once. When only waiting ones are left, whoever had their least time, and half as much again as anybody
 * else needed, is hurried; and stopped when that does not help within half of what the run has taken so far. So one that
 * hangs makes a run take about twice its time, not more.
 *
 * @param quiet called once, when all are done or only wait
 */
export async function together(
  jobs: readonly ((pace: Pace) => Promise<void>)[],
  patience: Patience,
  quiet: () => void = () => undefined,
): Promise<void> {
  const beganMs = performance.now();
  const running = new Set<Running>();
  let next = 0;
  let lastEndMs = beganMs;
  let longestMs = 0;
  let told = false;
  let wake: () => void = () => undefined;

  const start = (job: (pace: Pace) => Promise<void>) => {
    const one: Running = { startedMs: performance.now(), hurry: new AbortController(), stop: new AbortController() };
    running.add(one);
    const ended = () => {
      running.delete(one);
      lastEndMs = performance.now();
      if (one.hurriedMs === undefined) longestMs = Math.max(longestMs, lastEndMs - one.startedMs);
      wake();
    };
    job({ hurry: one.hurry.signal, stop: one.stop.signal }).then(ended, ended);
  };

  while (next < jobs.length || running.size > 0) {
    const nowMs = performance.now();
    const working = [...running].filter((one) => nowMs < one.startedMs + patience.waitsAfterMs).length;
    for (let free = patience.atOnce - working; free > 0 && running.size < patience.most; free -= 1) {
      const job = jobs[next];
      if (job === undefined) break;
      next += 1;
      start(job);
    }
    const allWait = [...running].every((one) => nowMs >= one.startedMs + patience.waitsAfterMs);
    const alone = allWait && next === jobs.length;
    if (alone && !told) quiet();
    told ||= alone;
    const tookMs = lastEndMs - beganMs;
    // Of whoever is running, the next moment at which something is to be decided.
    const dueMs = [...running].map((one) => {
      if (one.hurriedMs !== undefined) return one.hurriedMs + Math.max(patience.stopMs, tookMs / 2);
      if (!allWait) return one.startedMs + patience.waitsAfterMs;
      if (!alone) return one.startedMs + patience.crowdedMs;
      return one.startedMs + Math.max(patience.leastMs, 1.5 * longestMs);
    });
    for (const [at, one] of [...running].entries()) {
      if (nowMs < (dueMs[at] ?? 0)) continue;
      if (one.hurriedMs !== undefined) one.stop.abort();
      else if (allWait) {
        one.hurriedMs = nowMs;
        one.hurry.abort();
      }
    }
    if (running.size === 0) continue;
    const untilMs = Math.min(...dueMs.filter((at) => at > nowMs), nowMs + 1000) - nowMs;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.max(untilMs, 5));
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
  if (!told) quiet();
}
