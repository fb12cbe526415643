/** Tracks the calls under way: each can be cancelled, has a time limit, and ends even when its work does not listen. */
import { status } from "@grpc/grpc-js";
import { ProviderError } from "./errors.ts";

/** Runs work that can be called off. */
export interface Calls {
  /**
   * Runs `work` with a signal that fires on cancellation, or {@link GRACE_MS} after `timeoutMs`: work that knows its
   * own limit can end in its own words first. Work that goes on after the signal is abandoned after the same grace.
   */
  readonly run: <T>(timeoutMs: number | undefined, work: (signal: AbortSignal) => Promise<T>) => Promise<T>;
  /** Calls everything off, and whatever starts later too. */
  readonly cancelAll: (why: string) => void;
  /** Whether everything was called off. */
  readonly areCancelled: () => boolean;
  /** Resolves when no call is under way. */
  readonly idle: () => Promise<void>;
}

/** Starts with nothing under way. */
export function trackCalls(graceMs: number = GRACE_MS): Calls {
  const running = new Set<AbortController>();
  const waiting: (() => void)[] = [];
  let cancelled: ProviderError | undefined;

  return {
    run: async (timeoutMs, work) => {
      const controller = new AbortController();
      if (cancelled !== undefined) throw cancelled;
      running.add(controller);
      const limit = timeoutMs === undefined ? undefined : abortLater(controller, timeoutMs, graceMs);
      try {
        return await Promise.race([work(controller.signal), abandoned(controller.signal, graceMs)]);
      } finally {
        clearTimeout(limit);
        running.delete(controller);
        if (running.size === 0) for (const done of waiting.splice(0)) done();
      }
    },
    cancelAll: (why) => {
      cancelled = new ProviderError(why, { code: status.CANCELLED });
      for (const controller of running) controller.abort(cancelled);
    },
    areCancelled: () => cancelled !== undefined,
    idle: () => (running.size === 0 ? Promise.resolve() : new Promise((done) => waiting.push(done))),
  };
}

/** The time limit of a call, from the protocol's seconds, where 0 means none. */
export const timeoutFrom = (seconds: number): number | undefined => (seconds > 0 ? seconds * 1000 : undefined);

function abortLater(controller: AbortController, timeoutMs: number, graceMs: number): NodeJS.Timeout {
  const late = new ProviderError(`not done within ${timeoutMs / 1000} s, the limit that the program sets`, {
    code: status.DEADLINE_EXCEEDED,
  });
  return setTimeout(() => controller.abort(late), timeoutMs + graceMs).unref();
}

function abandoned(signal: AbortSignal, graceMs: number): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => setTimeout(() => reject(signal.reason), graceMs).unref(), { once: true });
  });
}

/** How long work may take to end in its own words once it has to. */
const GRACE_MS = 3_000;
