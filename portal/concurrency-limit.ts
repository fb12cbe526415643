/** Runs at most so many tasks at a time; the others wait in the order in which they came. */

/** @param givenUp aborts when nobody wants the task any more: one that still waits is never run, and rejects */
export type ConcurrencyLimit = <T>(task: () => Promise<T>, givenUp?: AbortSignal) => Promise<T>;

export function concurrencyLimit(most: number): ConcurrencyLimit {
  /** In the order in which they came; any of them may leave. */
  const waiting = new Set<() => void>();
  let running = 0;
  const turn = (givenUp?: AbortSignal) =>
    new Promise<void>((resolve, reject) => {
      const begin = () => {
        waiting.delete(begin);
        givenUp?.removeEventListener("abort", leave);
        resolve();
      };
      const leave = () => {
        waiting.delete(begin);
        reject(givenUp?.reason);
      };
      waiting.add(begin);
      givenUp?.addEventListener("abort", leave, { once: true });
    });
  return async (task, givenUp) => {
    givenUp?.throwIfAborted();
    if (running < most) running += 1;
    // Who ends hands their turn on, so the count stays.
    else await turn(givenUp);
    try {
      // It may have been given up between its turn and now.
      givenUp?.throwIfAborted();
      return await task();
    } finally {
      const [next] = waiting;
      if (next === undefined) running -= 1;
      else next();
    }
  };
}
