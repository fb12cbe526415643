/** `./ws restore-home` says the host's answer in sentences; that what comes back is what was archived is test/e2e/host-removal.test.ts. */

import { chmodSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { writeLedger } from "../../roster/ledger.ts";
import { derived, rosterOf, row } from "../roster/support.ts";
import { LEAST, raw } from "../stacks/raw-config.ts";
import { type Answered, type LoopbackHost, startLoopbackHost } from "./loopback-host.ts";
import { workbench } from "./run-ws.ts";
import { atTerminal } from "./terminal.ts";

vi.setConfig({ testTimeout: 60_000 });

const ROSTER = rosterOf(row("ada", "", "admin"), row("bob"));
const bench = workbench({
  pulumi:
    '#!/bin/sh\nhere=$(dirname "$0")\ncase "$1" in config) cat "$here/config.json" ;; stack) cat "$here/outputs.json" ;; esac\n',
  "roster.yaml": ROSTER,
  "outputs.json": JSON.stringify({ ledger: writeLedger(derived(ROSTER).desired.ledger) }),
});
chmodSync(join(bench.folder, "pulumi"), 0o755);
const path = [bench.folder, dirname(process.execPath), "/usr/bin", "/bin"].join(delimiter);

let host: LoopbackHost;
let answer: Answered;
beforeAll(async () => {
  host = await startLoopbackHost("devvm", () => answer);
  const values = raw({ ...LEAST, roster: join(bench.folder, "roster.yaml"), ...host.settings });
  const entries = Object.entries(values).map(([key, value]) => [key, { value, secret: false }]);
  bench.write("config.json", JSON.stringify(Object.fromEntries(entries)));
});
afterAll(() => host.stop());
beforeEach(() => {
  host.sent.length = 0;
});

const ARCHIVE = "bob-20261122T100000Z";
const restore = (...words: readonly string[]) =>
  atTerminal(["restore-home", ...words], { cwd: bench.folder, path, pipe: "" });

test("it asks their host, hands on the former uid where it was said, and tells of programs that became plain files", async () => {
  answer = { out: JSON.stringify({ folder: "/home/bob/restored-2026-11-23", entries: 12, tamed: 2 }) };
  const { code, screen } = await restore("bob", "--archive", ARCHIVE, "--uid", "7601");
  expect([code, host.sent.map((words) => words.slice(1))]).toEqual([
    0,
    [["restore", "bob", "--archive", ARCHIVE, "--uid", "7601"]],
  ]);
  expect(screen).toContain(`12 things of ${ARCHIVE} are in /home/bob/restored-2026-11-23, as they were`);
  expect(screen).toContain("2 of them ran with their owner's or group's rights");
});

test("what the host refuses is said in its own sentence, with exit code 1", async () => {
  answer = {
    code: 2,
    err: `workstation-remove: the archive ${ARCHIVE} is ada's home, and it is given to nobody else\n`,
  };
  const { code, screen } = await restore("bob", "--archive", ARCHIVE);
  expect([code, screen.trim()]).toEqual([
    1,
    `devvm: the archive ${ARCHIVE} is ada's home, and it is given to nobody else`,
  ]);
});

test("somebody who is not on the roster gets nothing, and a uid that is none is a wrong call: no host is asked", async () => {
  const gone = await restore("zoe", "--archive", ARCHIVE);
  expect([gone.code, gone.screen]).toEqual([1, expect.stringContaining("zoe is not on the roster")]);
  expect((await restore("bob", "--archive", ARCHIVE, "--uid", "0")).code).toBe(2);
  expect((await restore("bob")).code).toBe(2);
  expect(host.sent).toEqual([]);
});
