/** Limits how many requests and web sockets one person has open at a time: each takes file descriptors that all share. */

import type { EventEmitter } from "node:events";

export interface OpenLimit {
  /** @param of ends with `close` @returns false when this person has as many open as they may */
  enter(who: string, of: EventEmitter): boolean;
}

export function openLimit(most: number): OpenLimit {
  const open = new Map<string, number>();
  return {
    enter(who, of) {
      const count = open.get(who) ?? 0;
      if (count >= most) return false;
      open.set(who, count + 1);
      of.once("close", () => open.set(who, (open.get(who) ?? 1) - 1));
      return true;
    },
  };
}
