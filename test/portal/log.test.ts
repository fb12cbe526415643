/** Tests that what is logged for one person over and over is counted, and hides nobody else's line. */
import { expect, test } from "vitest";
import { seldomEach } from "../../portal/log.ts";

test("each person has a line in ten seconds, and the next one counts what was left out", () => {
  let nowMs = 0;
  const lines: string[] = [];
  const note = seldomEach(
    (line) => lines.push(line),
    () => nowMs,
  );
  for (let i = 0; i < 500; i += 1) note("ana", "connect ECONNREFUSED");
  note("bob", "it does not accept");
  nowMs = 10_000;
  note("ana", "connect ECONNREFUSED");
  expect(lines).toEqual([
    "ana: connect ECONNREFUSED",
    "bob: it does not accept",
    "ana: connect ECONNREFUSED (499 more since the last line)",
  ]);
});
