import fc from "fast-check";
import { expect, test } from "vitest";
import { DAY_MS, rotationOf } from "../../providers/token-rotation.ts";

const RULE = { rotateAfterDays: 30, overlapDays: 3 };
const at = (days: number, retireAfterDays?: number) =>
  rotationOf(
    { issuedAtMs: 0 },
    retireAfterDays === undefined ? undefined : { retireAtMs: retireAfterDays * DAY_MS },
    RULE,
    days * DAY_MS,
  );

test("a token is due on the day of its age and not before, and its predecessor when the overlap is over", () => {
  expect([at(29.9), at(30), at(2.9, 3), at(3, 3)]).toEqual([
    { issue: false, retire: false },
    { issue: true, retire: false },
    { issue: false, retire: false },
    { issue: false, retire: true },
  ]);
});

test("a clock that was set back makes nothing due", () => {
  expect(at(-400, 3)).toEqual({ issue: false, retire: false });
});

test("there are never more than two: a new one is never issued while a predecessor stays", () => {
  fc.assert(
    fc.property(
      fc.double({ min: -1e3, max: 1e3, noNaN: true }),
      fc.double({ min: -1e3, max: 1e3, noNaN: true }),
      (now, retire) => {
        const due = at(now, retire);
        expect(due.issue && !due.retire).toBe(false);
      },
    ),
  );
});
