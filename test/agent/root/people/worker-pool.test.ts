/** Many people in one run: whoever hangs is hurried, then stopped, and keeps nobody else waiting. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { asBusy, HOURLY, type Patience, together } from "../../../../agent/root/people/worker-pool.ts";
import type { Pace } from "../../../../agent/lib/exec.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] }));
afterEach(() => void vi.useRealTimers());

const after = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const told = (signal: AbortSignal) =>
  new Promise<void>((resolve) => (signal.aborted ? resolve() : signal.addEventListener("abort", () => resolve())));

/** Runs the jobs on a clock of their own. */
async function clocked(jobs: readonly ((pace: Pace) => Promise<void>)[], patience: Patience = HOURLY) {
  const beganMs = performance.now();
  let quietMs: number | undefined;
  const all = together(jobs, patience, () => (quietMs = performance.now() - beganMs));
  let tookMs: number | undefined;
  void all.then(() => (tookMs = performance.now() - beganMs));
  while (tookMs === undefined) await vi.advanceTimersByTimeAsync(10);
  return { tookMs, quietMs };
}
const works = (ms: number) => () => after(ms);
const hangsUntilHurried = (pace: Pace) => told(pace.hurry);
const hangsUntilStopped = (pace: Pace) => told(pace.stop);

test("everybody quick: four at a time, and it ends with the last one", async () => {
  const { tookMs, quietMs } = await clocked(Array.from({ length: 10 }, () => works(400)));
  expect(tookMs).toBeLessThan(1300);
  expect(quietMs).toBe(tookMs);
});

test.each([
  ["who minds being told", hangsUntilHurried],
  ["who has to be stopped", hangsUntilStopped],
])("one of ten %s makes the run at most twice as long", async (_, hangs) => {
  const calm = await clocked(Array.from({ length: 10 }, () => works(700)));
  const jobs = Array.from({ length: 9 }, () => works(700));
  const { tookMs, quietMs } = await clocked([...jobs.slice(0, 3), hangs, ...jobs.slice(3)]);
  expect(tookMs).toBeLessThanOrEqual(2 * calm.tookMs);
  // What is to be done meanwhile does not wait for the one who hangs.
  expect(quietMs).toBeLessThan(calm.tookMs + 1100);
});

test("more people than may wait at once, all of them hanging: each has its time, and the run ends", async () => {
  const { tookMs } = await clocked(Array.from({ length: 20 }, () => hangsUntilHurried));
  // Eight, eight and four of them.
  expect(tookMs).toBeLessThan(3 * HOURLY.crowdedMs + 2000);
});

test("nobody is hurried before their least time, and whoever is as slow as the others not at all", async () => {
  const hurried: number[] = [];
  const slow = (pace: Pace) => {
    const beganMs = performance.now();
    pace.hurry.addEventListener("abort", () => hurried.push(performance.now() - beganMs));
    return after(6000);
  };
  await clocked([slow, slow], { ...HOURLY, leastMs: 8000 });
  expect(hurried).toEqual([]);
  await clocked([slow, works(100)]);
  expect(hurried).toHaveLength(1);
  expect(hurried[0]).toBeGreaterThanOrEqual(HOURLY.leastMs);
});

test("a job that throws is over like any other, and nothing to do is done at once", async () => {
  const { tookMs } = await clocked([() => Promise.reject(new Error("x")), works(100)]);
  expect(tookMs).toBeLessThan(200);
  expect((await clocked([])).tookMs).toBe(0);
});

test("a machine that is busy with other things makes everybody wait longer, up to six times", () => {
  const least = [0.5, 4, 8, 100].map((load) => asBusy(HOURLY, load, 2).leastMs);
  expect(least).toEqual([2000, 2000, 4000, 12_000]);
});
