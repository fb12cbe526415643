/** `./ws restore-home` says the host's answer in sentences; that what comes back is what was archived is test/e2e/host-removal.test.ts. */

import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { derived, rosterOf, row } from "../roster/support.ts";
import { type Answered, type LoopbackHost, startLoopbackHost } from "./loopback-host.ts";
import { stackBench } from "./stack-fixture.ts";
import { atTerminal } from "./terminal.ts";

vi.setConfig({ testTimeout: 60_000 });

const ROSTER = rosterOf(row("ada", "", "admin"), row("bob"));
const bench = stackBench({
  "roster.yaml": ROSTER,
});
bench.deployed(derived(ROSTER).desired.ledger);

let host: LoopbackHost;
let answer: Answered;
beforeAll(async () => {
  host = await startLoopbackHost("devvm", () => answer);
  bench.configure("roster.yaml", host.settings);
});
afterAll(() => host.stop());
beforeEach(() => {
  host.sent.length = 0;
});

const ARCHIVE = "bob-20261122T100000Z";
const restore = (...words: readonly string[]) =>
  atTerminal(["restore-home", ...words], { cwd: bench.folder, path: bench.path, pipe: "" });

test("it asks their host, hands on the former uid where it was said, and tells of programs that became plain files", async () => {
  answer = { out: JSON.stringify({ folder: "/home/bob/restored-2026-11-23", entries: 12, tamed: 2 }) };
  const { code, screen } = await restore("bob", "--archive", ARCHIVE, "--uid", "7601");
  expect([code, host.sent.map((words) => words.slice(1))]).toEqual([
    0,
    [["restore", "bob", "--archive", ARCHIVE, "--uid", "7601"]],
  ]);
  expect(screen).toContain(`12 things of ${ARCHIVE} are in /home/bob/restored-2026-11-23, as they were`);
  expect(screen).toContain("2 of them had the set-user-id or set-group-id bit");
});

test("what the host refuses is said in its own sentence, with exit code 1", async () => {
  answer = {
    code: 2,
    err: `workstation-remove: the archive ${ARCHIVE} is the home of ada and can be restored for nobody else\n`,
  };
  const { code, screen } = await restore("bob", "--archive", ARCHIVE);
  expect([code, screen.trim()]).toEqual([
    1,
    `devvm: the archive ${ARCHIVE} is the home of ada and can be restored for nobody else`,
  ]);
});

test("somebody who is not on the roster gets nothing, and a uid that is none is a wrong call: no host is asked", async () => {
  const gone = await restore("zoe", "--archive", ARCHIVE);
  expect([gone.code, gone.screen]).toEqual([1, expect.stringContaining("zoe is not on the roster")]);
  expect((await restore("bob", "--archive", ARCHIVE, "--uid", "0")).code).toBe(2);
  expect((await restore("bob")).code).toBe(2);
  expect(host.sent).toEqual([]);
});
