/** What is kept of git's own words about a failure. */

import { expect, test } from "vitest";
import { tellingLines } from "../../../agent/lib/git.ts";

test("of lines without an end that a remote sends, the first few are looked at", () => {
  const lines = Array.from({ length: 200_000 }, (_, at) => `remote: ${at}`);
  expect(tellingLines(lines.join("\n"))).toEqual(lines.slice(0, 50));
});
