/** What README.md and docs/leaving.md show of `./ws` is what it does: their lines are run as they stand. */

import { spawn } from "node:child_process";
import { readFileSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { stepsOf } from "../e2e/fixtures/runbook.ts";
import { commandsOf } from "../house/page-commands.ts";
import { ROOT, text } from "../house/sources.ts";
import { derived, rosterOf, row } from "../roster/support.ts";
import { type LoopbackHost, startLoopbackHost } from "./loopback-host.ts";
import { stackBench } from "./stack-fixture.ts";

vi.setConfig({ testTimeout: 120_000 });

const ada = row("ada", "", "admin");
const both = derived(rosterOf(ada, row("nina")));
const left = derived(rosterOf(ada), { ledger: both.desired.ledger, stack: { confirmLeave: ["nina"] } });
const bench = stackBench({
  "roster.yaml": rosterOf(ada),
  "slips.yaml": `users:
  emo:
    authentik_user: emil.barzin
    k8suser: emo
    tier: power_user
    forgejo:
      login: ebarzin
      push: "yes"
`,
});
bench.deployed(left.desired.ledger);
symlinkSync(join(ROOT, "ws"), join(bench.folder, "ws"));

/** Whoever is asked about is cut there. */
const cutHost = (words: readonly string[]) => ({
  people: words.slice(2).map((word) => ({
    osUser: word.split("=")[0],
    account: {
      ...{ locked: true, expired: true, loginRefused: true, groups: [], sudo: false, processes: 0 },
      ...{ linger: false, crontab: false, atJobs: 0 },
      ...{ sharedProcesses: 0, containers: [], setIdFiles: { theirs: [], unknown: [], incomplete: null } },
    },
    ...{ units: {}, maps: { terminal: false, dispatch: false, admins: false }, gate: 403, waitingCredentials: false },
  })),
});
let host: LoopbackHost;
beforeAll(async () => {
  host = await startLoopbackHost("devvm", (words) => ({ out: JSON.stringify(cutHost(words)) }));
  bench.configure("roster.yaml", host.settings);
});
afterAll(() => host.stop());

/** In a folder with `./ws` and a stack, as on the pages. */
async function shell(script: string): Promise<{ readonly code: number | null; readonly said: string }> {
  const child = spawn("/bin/sh", ["-euc", `exec 2>&1\n${script}`], {
    cwd: bench.folder,
    env: { PATH: bench.path },
    stdio: "pipe",
  });
  let said = "";
  child.stdout.on("data", (part: Buffer) => {
    said += part.toString("utf8");
  });
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { code, said };
}

test("README.md shows word for word what `check` says of a roster with three slips", async () => {
  const [shown] = commandsOf("README.md").filter(({ as }) => as === "prompt");
  const block = text("README.md").split(`$ ${shown?.command}\n`)[1]?.split("```")[0];
  expect(await shell(shown?.command ?? "false")).toEqual({ code: 1, said: block });
});

test("each command of README.md's table has a help of its own that begins with how it is called", async () => {
  const rows = text("README.md").split("\n| `./ws` |")[1]?.split("\n\n")[0]?.split("\n").slice(2) ?? [];
  const commands = rows.flatMap((line) =>
    [...(line.split("|")[1] ?? "").matchAll(/`([a-z-]+)`/g)].map(([, name = ""]) => name),
  );
  expect(commands).toHaveLength(10);
  const helps = await Promise.all(commands.map((command) => shell(`./ws ${[command, "--help"].join(" ")}`)));
  expect(helps.map(({ code, said }) => [code, said.split(/ |\n/).slice(0, 3).join(" ")])).toEqual(
    commands.map((command) => [0, `Usage: ./ws ${command}`]),
  );
});

test("docs/leaving.md's ways to ask the probe all answer, and a report is its owner's alone", async () => {
  const [block] = stepsOf(text("docs/leaving.md")).flatMap((step) => (step.kind === "run" ? [step.script] : []));
  const { code, said } = await shell(block ?? "false");
  expect([code, said.match(/^nina \(left on .*\): revoked$/gm)?.length, host.sent.length]).toEqual([0, 2, 3]);
  const report = JSON.parse(readFileSync(join(bench.folder, "FILE"), "utf8")) as { readonly ok: boolean };
  expect(statSync(join(bench.folder, "FILE")).mode & 0o777).toBe(0o600);
  expect([report.ok, said.includes('"osUser":"nina"')]).toEqual([true, true]);
});
