/** Sends a request again where that is safe: never one that may have done its work already and would do it twice. */

import { setTimeout as sleep } from "node:timers/promises";
import { HttpFailure, type HttpReply, type HttpRequest, send } from "./send.ts";

/** How often a failed request is sent again. */
export interface RetryPolicy {
  /** How often in all. */
  readonly tries: number;
  /** Before the second try; it doubles from there, unless the server names a time itself. */
  readonly pauseMs: number;
}

/** @returns the first useful answer, or the last one. @throws HttpFailure when the last try brought none */
export async function sendWithRetries(request: HttpRequest, policy: RetryPolicy): Promise<HttpReply> {
  for (let attempt = 1; ; attempt += 1) {
    const last = attempt >= policy.tries || request.signal?.aborted === true;
    const outcome = await send(request).catch((cause: unknown) => {
      if (cause instanceof HttpFailure && !last && isSafe(request, cause)) return cause;
      throw cause;
    });
    const pauseMs = policy.pauseMs * 2 ** (attempt - 1);
    if (outcome instanceof HttpFailure) await pause(pauseMs, request.signal);
    else if (last || !isWorthAnother(request, outcome)) return outcome;
    else await pause(namedPause(outcome) ?? pauseMs, request.signal);
  }
}

/** Repeating these changes nothing more than doing them once. */
const REPEATABLE: ReadonlySet<string> = new Set(["GET", "LIST", "PUT", "PATCH", "DELETE"]);

const isSafe = (request: HttpRequest, failed: HttpFailure) => REPEATABLE.has(request.method) || !failed.mayHaveArrived;

/** "Too many requests" says that nothing was done. The other passing failures leave that open. */
const isWorthAnother = (request: HttpRequest, { status }: HttpReply) =>
  status === 429 || (REPEATABLE.has(request.method) && [500, 502, 503, 504].includes(status));

function namedPause(reply: HttpReply): number | undefined {
  const seconds = Number(reply.headers.get("retry-after") ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? Math.min(seconds * 1000, LONGEST_PAUSE_MS) : undefined;
}

const LONGEST_PAUSE_MS = 10_000;

const pause = async (ms: number, signal: AbortSignal | undefined): Promise<void> => {
  await sleep(ms, undefined, signal === undefined ? {} : { signal }).catch((cause: unknown) => {
    throw new HttpFailure("the call was called off", true, cause);
  });
};
