/** Tests the command line of `ws-me`: usage, and what it refuses. */
import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";

const TSX = new URL("../../../../node_modules/.bin/tsx", import.meta.url).pathname;
const PROGRAM = new URL("../../../../agent/user/main.ts", import.meta.url).pathname;
const run = (args: readonly string[]) => {
  const ran = spawnSync(TSX, [PROGRAM, ...args], { encoding: "utf8" });
  return { code: ran.status, out: ran.stdout, err: ran.stderr };
};

test("help tells every command", () => {
  const { code, out } = run(["me", "--help"]);
  expect(code).toBe(0);
  for (const command of ["records", "restore [--record N]", "forget [--undo]"]) expect(out).toContain(command);
});

test.each([
  [["--json", "x"], "usage: ws-me"],
  [["restore", "--record", "x"], "--record must be the number of a record"],
  [["forget"], "expected <session…>, but found 0"],
  [["nonsense"], 'unknown command "nonsense"'],
])("ws-me %j ends with 1 and says why", (args, why) => {
  const { code, err } = run(["me", ...args]);
  expect([code, err.includes(why)]).toEqual([1, true]);
});
