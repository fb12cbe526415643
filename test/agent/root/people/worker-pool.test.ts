/** Many jobs in one pool: one that hangs is aborted, first softly, and keeps no other from running. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { HOURLY_LIMITS, type PoolLimits, runPool, scaledForLoad } from "../../../../agent/root/people/worker-pool.ts";
import type { WorkerSignals } from "../../../../agent/root/system/run-as-user.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] }));
afterEach(() => void vi.useRealTimers());

const after = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const fired = (signal: AbortSignal) =>
  new Promise<void>((resolve) => (signal.aborted ? resolve() : signal.addEventListener("abort", () => resolve())));

/** Runs the jobs on a clock of their own. */
async function clocked(
  jobs: readonly ((signals: WorkerSignals) => Promise<void>)[],
  limits: PoolLimits = HOURLY_LIMITS,
) {
  const beganMs = performance.now();
  let drainedMs: number | undefined;
  const all = runPool(jobs, limits, () => (drainedMs = performance.now() - beganMs));
  let tookMs: number | undefined;
  void all.then(() => (tookMs = performance.now() - beganMs));
  while (tookMs === undefined) await vi.advanceTimersByTimeAsync(10);
  return { tookMs, drainedMs };
}
const works = (ms: number) => () => after(ms);
const hangsUntilAbortSoon = (signals: WorkerSignals) => fired(signals.abortSoon);
const hangsUntilAbort = (signals: WorkerSignals) => fired(signals.abort);

test("runs four quick jobs at a time and ends with the last one", async () => {
  const { tookMs, drainedMs } = await clocked(Array.from({ length: 10 }, () => works(400)));
  expect(tookMs).toBeLessThan(1300);
  expect(drainedMs).toBe(tookMs);
});

test.each([
  ["that ends at its soft deadline", hangsUntilAbortSoon],
  ["that ends only at its hard deadline", hangsUntilAbort],
])("one of ten jobs %s makes the run at most twice as long", async (_, hangs) => {
  const calm = await clocked(Array.from({ length: 10 }, () => works(700)));
  const jobs = Array.from({ length: 9 }, () => works(700));
  const { tookMs, drainedMs } = await clocked([...jobs.slice(0, 3), hangs, ...jobs.slice(3)]);
  expect(tookMs).toBeLessThanOrEqual(2 * calm.tookMs);
  // What runs once the pool is drained does not wait for the job that hangs.
  expect(drainedMs).toBeLessThan(calm.tookMs + 1100);
});

test("ends when more jobs hang than may run at once, and gives each its time", async () => {
  const { tookMs } = await clocked(Array.from({ length: 20 }, () => hangsUntilAbortSoon));
  // Eight, eight and four of them.
  expect(tookMs).toBeLessThan(3 * HOURLY_LIMITS.queuedDeadlineMs + 2000);
});

test("aborts no job before its minimum deadline, nor one that is as slow as the others", async () => {
  const abortedMs: number[] = [];
  const slow = (signals: WorkerSignals) => {
    const beganMs = performance.now();
    signals.abortSoon.addEventListener("abort", () => abortedMs.push(performance.now() - beganMs));
    return after(6000);
  };
  await clocked([slow, slow], { ...HOURLY_LIMITS, minDeadlineMs: 8000 });
  expect(abortedMs).toEqual([]);
  await clocked([slow, works(100)]);
  expect(abortedMs).toHaveLength(1);
  expect(abortedMs[0]).toBeGreaterThanOrEqual(HOURLY_LIMITS.minDeadlineMs);
});

test("ends a job that throws like any other, and an empty pool at once", async () => {
  const { tookMs } = await clocked([() => Promise.reject(new Error("x")), works(100)]);
  expect(tookMs).toBeLessThan(200);
  expect((await clocked([])).tookMs).toBe(0);
});

test("scales deadlines up to six times on a machine that is busy with other things", () => {
  const least = [0.5, 4, 8, 100].map((load) => scaledForLoad(HOURLY_LIMITS, load, 2).minDeadlineMs);
  expect(least).toEqual([2000, 2000, 4000, 12_000]);
});
