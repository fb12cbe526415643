/** Limits what one person has open at a time: requests, web sockets or unread bytes, each of which takes what all share. */

import type { EventEmitter } from "node:events";
import { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { Duplex } from "node:stream";

export interface OpenLimit {
  /**
   * @param of ends with `close`
   * @param size counts as so many. One alone may be larger than the limit.
   * @returns false when this person has as many open as they may
   */
  enter(who: string, of: EventEmitter, size?: number): boolean;
}

export function openLimit(most: number): OpenLimit {
  const open = new Map<string, number>();
  return {
    enter(who, of, size = 1) {
      const count = open.get(who) ?? 0;
      if (count > 0 && count + size > most) return false;
      const isCounted = whenClosed(of, () => {
        const rest = (open.get(who) ?? size) - size;
        if (rest === 0) open.delete(who);
        else open.set(who, rest);
      });
      if (isCounted) open.set(who, count + size);
      return true;
    },
  };
}

/** For each connection, what is to run when it closes. */
const closing = new WeakMap<Socket, Set<() => void>>();

/**
 * A response that waits for an earlier one on its connection never closes when that goes, so the connection counts too.
 *
 * @returns false when it has closed before
 */
function whenClosed(of: EventEmitter, run: () => void): boolean {
  // One that is destroyed has closed, or is about to: it may never say so again.
  if (of instanceof Duplex && of.destroyed) return false;
  if (!(of instanceof ServerResponse)) return of.once("close", run) === of;
  const { socket } = of.req;
  if (of.destroyed || socket.destroyed) return false;
  const runs = closing.get(socket) ?? watched(socket);
  const close = () => {
    if (runs.delete(close)) run();
  };
  runs.add(close);
  of.once("close", close);
  return true;
}

function watched(socket: Socket): Set<() => void> {
  const runs = new Set<() => void>();
  closing.set(socket, runs);
  socket.once("close", () => {
    for (const run of [...runs]) run();
  });
  return runs;
}
