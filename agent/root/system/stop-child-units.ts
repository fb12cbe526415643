/** Stops the transient units that root waits for when root's own process is told to end. */

import { setTimeout as pause } from "node:timers/promises";

type End = () => Promise<unknown>;

const SIGNALS = ["SIGHUP", "SIGINT", "SIGTERM"] as const;
const AGAIN_MS = 200;
/** What cannot be ended in that time ends at its own deadline. */
const GIVE_UP_MS = 20_000;
const atWork = new Set<End>();
let isEnding = false;

/**
 * Does the work; whoever asks this process to end in the meantime ends with it what `end` ends. From then on no work is
 * begun, and what comes of the one at hand is nobody's failure: such a promise stays open until the process is gone.
 *
 * @param end may be called more than once, and before what it ends has come to be
 */
export async function stoppedOnExit<T>(end: End, work: () => Promise<T>): Promise<T> {
  if (isEnding) return never();
  if (atWork.size === 0) for (const signal of SIGNALS) process.on(signal, endAll);
  atWork.add(end);
  try {
    return await work();
  } finally {
    // The signal may have reached the one that asked for the unit too, and the unit come after it was gone.
    if (isEnding) await end();
    atWork.delete(end);
    if (isEnding) await never();
    if (atWork.size === 0) for (const signal of SIGNALS) process.off(signal, endAll);
  }
}

const never = () => new Promise<never>(() => undefined);

/** Then the signal does what it would have done. */
async function endAll(signal: NodeJS.Signals): Promise<void> {
  // systemd asks a second time when the first of a unit's processes is gone, which is `flock`.
  if (isEnding) return;
  isEnding = true;
  // Whoever presses Ctrl-C twice does not want to wait.
  process.off("SIGINT", endAll);
  const untilMs = performance.now() + GIVE_UP_MS;
  while (atWork.size > 0 && performance.now() < untilMs) {
    await Promise.all([...atWork].map((end) => end()));
    await pause(AGAIN_MS);
  }
  for (const each of SIGNALS) process.off(each, endAll);
  process.kill(process.pid, signal);
}
