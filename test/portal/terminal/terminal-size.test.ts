/** Tests that a terminal in a window of any size has one that its service takes. */
import { expect, test } from "vitest";
import { terminalSize } from "../../../agent/shared/terminal/protocol.ts";
import { reducedSize } from "../../../portal/terminal/browser/terminal-size.ts";

test.each([
  [
    { cols: 1001, rows: 40 },
    { cols: 1000, rows: 40 },
  ],
  [
    { cols: 80, rows: 9999 },
    { cols: 80, rows: 500 },
  ],
  [
    { cols: 5000, rows: 2000 },
    { cols: 1000, rows: 500 },
  ],
])("a window of %o has a terminal of %o", (window, size) => {
  expect(reducedSize(window)).toEqual(size);
  expect(terminalSize.parse(size)).toEqual(size);
  expect(terminalSize.safeParse(window).success).toBe(false);
});

test("the largest size that the service takes is left alone, and so is a window that is not laid out", () => {
  const sizes = [
    { cols: 1000, rows: 500 },
    { cols: 2, rows: 1 },
    { cols: Number.NaN, rows: Number.NaN },
  ];
  expect(sizes.map(reducedSize)).toEqual([undefined, undefined, undefined]);
});
