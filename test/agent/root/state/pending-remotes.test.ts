/** When the background asks a remote again that did not answer. */
import { expect, test } from "vitest";
import { isDue } from "../../../../agent/root/state/pending-remotes.ts";

const HOUR = 3_600_000;
const at = 1_800_000_000_000;

test("at once the first time, then in an hour, two, four, and daily in the end", () => {
  expect(isDue({ sinceMs: at, tries: 0 }, at)).toBe(true);
  const waits = [1, 2, 3, 4, 5, 6, 20].map((tries) => {
    const hours = Array.from({ length: 60 }, (_, hour) => hour);
    return hours.find((hour) => isDue({ sinceMs: at, tries, triedMs: at }, at + hour * HOUR));
  });
  expect(waits).toEqual([1, 2, 4, 8, 16, 24, 24]);
});

test("a clock that went back makes nobody wait for it to come again", () => {
  expect(isDue({ sinceMs: at, tries: 9, triedMs: at }, at - 1000 * HOUR)).toBe(true);
});

test("an hourly run that is a minute early counts as its hour", () => {
  expect(isDue({ sinceMs: at, tries: 1, triedMs: at }, at + HOUR - 60_000)).toBe(true);
});
