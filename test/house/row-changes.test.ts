/** Keeps the page of what a changed row takes and gives equal to the table that the end-to-end test tries. */

import { expect, test } from "vitest";
import { CELLS, nameOf, rowChangesText } from "../e2e/people/row-changes.ts";

test("docs/row-changes.md is what the table says", async () => {
  await expect(rowChangesText()).toMatchFileSnapshot("../../docs/row-changes.md");
});

test("no line stands in the table twice", () => {
  const names = CELLS.map(nameOf);
  expect(names).toEqual([...new Set(names)]);
});
