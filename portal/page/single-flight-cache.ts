/** Caches the answers to questions for a short while, and asks each question once at a time however many wait for it. */

export interface SingleFlightCache {
  /** @param find asks; its failure is told to all who wait for it, and is not kept */
  get<T>(key: string, freshMs: number, find: () => Promise<T>): Promise<T>;
  /** A later `get` is answered by a question that was asked after this. */
  invalidate(...keys: readonly string[]): void;
}

interface Entry {
  readonly value: Promise<unknown>;
  /** Shared until it ends, however long that takes. */
  untilMs: number;
  isAsked: boolean;
}

/** @param nowMs a clock */
export function singleFlightCache(nowMs: () => number): SingleFlightCache {
  const entries = new Map<string, Entry>();
  /** Fulfilled when the last one of a key has ended, well or not. */
  const ends = new Map<string, Promise<void>>();
  return {
    get<T>(key: string, freshMs: number, find: () => Promise<T>): Promise<T> {
      const found = entries.get(key);
      if (found !== undefined && found.untilMs > nowMs()) return found.value as Promise<T>;
      const ask = () => {
        entry.isAsked = true;
        return find();
      };
      // One that was invalidated while it runs is waited for: nobody has two of them asked at a time.
      const value = (ends.get(key) ?? Promise.resolve()).then(ask);
      const entry: Entry = { value, untilMs: Number.POSITIVE_INFINITY, isAsked: false };
      entries.set(key, entry);
      const end = value
        .then(
          () => {
            entry.untilMs = nowMs() + freshMs;
          },
          () => {
            if (entries.get(key) === entry) entries.delete(key);
          },
        )
        .then(() => {
          if (ends.get(key) === end) ends.delete(key);
        });
      ends.set(key, end);
      return value;
    },
    invalidate(...keys) {
      // One that still waits to be asked will be asked after this.
      for (const key of keys) if (entries.get(key)?.isAsked === true) entries.delete(key);
    },
  };
}
