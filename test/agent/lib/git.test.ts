/** What is kept of git's own words about a failure. */

import { expect, test } from "vitest";
import { describeGitFailure, tellingLines } from "../../../agent/lib/git.ts";

const failed = (stderr: string) => ({ argv: [], code: 128, stdout: "", stderr, timedOut: false, overflowed: false });

test("of lines without an end that a remote sends, the first few are looked at", () => {
  const lines = Array.from({ length: 200_000 }, (_, at) => `remote: ${at}`);
  expect(tellingLines(lines.join("\n"))).toEqual(lines.slice(0, 50));
});

test.each([
  ["external filter '/opt/crypt --token s3cret' failed 1", "external filter '/opt/crypt …' failed 1"],
  [
    "initialization for subprocess '/opt/crypt -k s3cret' failed",
    "initialization for subprocess '/opt/crypt …' failed",
  ],
  ["external filter 'cat' failed", "external filter 'cat' failed"],
])("the arguments of a filter's command are left out: %s", (said, told) => {
  expect(describeGitFailure(failed(`error: ${said}\n`))).toBe(`error: ${told}`);
});
