/** Limits what one person has open at a time: requests, web sockets or unread bytes, each of which takes what all share. */

import type { EventEmitter } from "node:events";
import { whenClosed } from "./when-closed.ts";

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
