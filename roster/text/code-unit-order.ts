/** Defines the one order of everything generated: by code unit, so that no locale ever changes a byte. */

/** For `sort`: compares by UTF-16 code unit. */
export const byCodeUnit = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** A sorted copy without doubles. */
export function sorted<Word extends string>(words: Iterable<Word>): readonly Word[] {
  return [...new Set(words)].sort(byCodeUnit);
}

/** The entries of a map in the order of their keys. */
export function sortedEntries<Key extends string, Value>(
  map: ReadonlyMap<Key, Value>,
): readonly (readonly [Key, Value])[] {
  return [...map].sort(([a], [b]) => byCodeUnit(a, b));
}

/** One spelling for everything that a server compares without regard to case or to Unicode's composed forms. */
export const folded = (text: string): string =>
  BEYOND_ASCII.test(text) ? text.normalize("NFC").toLowerCase().normalize("NFC") : text.toLowerCase();

const BEYOND_ASCII = /[^\0-\x7f]/;
