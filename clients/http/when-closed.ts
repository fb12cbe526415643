/** Runs functions when a request or web socket of a server has ended, however it ends. */

import type { EventEmitter } from "node:events";
import { ServerResponse } from "node:http";
import { Duplex } from "node:stream";

/** What is to run when each closes: with one listener, however many functions wait. */
const closing = new WeakMap<EventEmitter, Set<() => void>>();

/**
 * A response that waits for an earlier one on its connection never closes when that goes, so the connection counts too.
 *
 * @param of ends with `close`
 * @returns false when it has closed before
 */
export function whenClosed(of: EventEmitter, run: () => void): boolean {
  const both = of instanceof ServerResponse ? [of, of.req.socket] : [of];
  // One that is destroyed has closed, or is about to: it may never say so again.
  if (both.some((one) => (one instanceof ServerResponse || one instanceof Duplex) && one.destroyed)) return false;
  const waiting = both.map(waitingFor);
  const close = () => {
    for (const runs of waiting) runs.delete(close);
    run();
  };
  for (const runs of waiting) runs.add(close);
  return true;
}

function waitingFor(of: EventEmitter): Set<() => void> {
  const found = closing.get(of);
  if (found !== undefined) return found;
  const runs = new Set<() => void>();
  closing.set(of, runs);
  of.once("close", () => {
    closing.delete(of);
    // Each takes itself out of the set, so none runs twice.
    for (const run of runs) run();
  });
  return runs;
}
