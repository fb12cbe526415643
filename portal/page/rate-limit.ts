/** Limits how often each person may do something, so that one person's haste costs nobody else anything. */

export interface RateLimit {
  /** Counts one more of this person's. @returns 0 when they may, else in how many seconds they may again */
  take(who: string): number;
}

export interface Rate {
  /** So many at once. */
  readonly burst: number;
  /** And one more in so long. */
  readonly everyMs: number;
}

/** @param nowMs a clock */
export function rateLimit({ burst, everyMs }: Rate, nowMs: () => number): RateLimit {
  /** When a person's last one is paid for: with each, that moment moves on. */
  const paidUntil = new Map<string, number>();
  return {
    take(who) {
      const now = nowMs();
      const until = Math.max(paidUntil.get(who) ?? 0, now);
      const debtMs = until + everyMs - (now + burst * everyMs);
      if (debtMs > 0) return Math.ceil(debtMs / 1000);
      paidUntil.set(who, until + everyMs);
      return 0;
    },
  };
}
