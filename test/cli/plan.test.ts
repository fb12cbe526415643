/**
 * Tests `./ws plan` with a fake `pulumi` that answers as the real one does. The end-to-end tests run it with the real
 * one.
 */

import { describe, expect, test, vi } from "vitest";
import { rosterOf, row } from "../roster/support.ts";
import type { Ran } from "./run-ws.ts";
import { stackBench } from "./stack-fixture.ts";

// Each call starts a process or three, on a machine that may have other things to do.
vi.setConfig({ testTimeout: 60_000 });

const SECRET = "canary of the private key";
const ada = row("ada", "", "admin");

const bench = stackBench({
  "roster.yaml": rosterOf(ada, row("bob"), row("cleo")),
  "less.yaml": rosterOf(ada),
  "Pulumi.test.yaml": "config: {}\n",
});

const configured = (roster: string, more: Readonly<Record<string, unknown>> = {}) =>
  bench.configure(roster, { sshPrivateKey: SECRET, ...more }, SECRET);

/** Runs the command with the stand-in on its PATH; the folder of node stays, nothing else of this machine's pulumi does. */
function plan(args: readonly string[], env: Readonly<Record<string, string>> = {}): Ran {
  return bench.ws(["plan", ...args], "", { PATH: bench.path, ...env });
}

interface Report {
  readonly ok: boolean;
  readonly plan: readonly string[];
  readonly brakes: readonly { readonly people: readonly string[] }[];
  readonly message?: string;
}
const report = (ran: Ran): Report => JSON.parse(ran.out) as Report;

test("on a stack that never ran everybody joins; the stack and its file are passed on, nothing secret is shown", () => {
  configured("roster.yaml");
  const ran = plan(["--stack", "test", "--config-file", "Pulumi.test.yaml"]);
  expect([ran.code, ran.err]).toEqual([0, ""]);
  expect(ran.out.split("\n").map((line) => line.split(" as ")[0])).toEqual([
    ...["What would happen to whom:", "  ada joins", "  bob joins", "  cleo joins", ""],
  ]);
  expect(bench.read("asked").trim().split("\n")).toEqual([
    `config --json --show-secrets --config-file ${bench.folder}/Pulumi.test.yaml --stack test --non-interactive`,
    "stack output --json --stack test --non-interactive",
  ]);
});

test("what the last run gave is taken up: nothing changes, or a brake says whom it would cost what and how to release it", () => {
  configured("roster.yaml");
  const derived = bench.ws(["derive", "--json", "--today", "2026-11-22", "roster.yaml"]).out;
  const ledger = JSON.stringify((JSON.parse(derived) as { readonly ledger: unknown }).ledger);
  bench.write("outputs.json", JSON.stringify({ ledger, userMapVersion: 3 }));
  expect(plan([])).toEqual({ code: 0, out: "Nothing would change for anybody.\n", err: "" });

  configured("less.yaml");
  const stopped = plan([]);
  expect([stopped.code, stopped.out.includes("  bob is offboarded. Revoked: ")]).toEqual([1, true]);
  expect(stopped.err).toMatch(/^A deployment would stop before any change:\n.*set confirmLeave to \[bob, cleo\]/);
  const { ok, plan: sentences, brakes } = report(plan(["--json"]));
  expect([ok, sentences.length, brakes[0]?.people]).toEqual([false, 2, ["bob", "cleo"]]);

  bench.write("ledger.json", ledger);
  bench.write("outputs.json", "{}");
  expect(plan(["--ledger", "ledger.json"]).code).toBe(1);
  configured("less.yaml", { confirmLeave: ["bob", "cleo"] });
  expect(plan(["--ledger", "ledger.json"]).code).toBe(0);
});

test("problems of roster, settings and ledger are said in their own words, and end with 1", () => {
  bench.write("bad.yaml", "users: {bob: {}}\n");
  bench.write("broken.json", "{");
  configured("bad.yaml");
  expect(plan([])).toMatchObject({ code: 1, out: "", err: expect.stringContaining("bad.yaml:1:9: bob: ") as string });
  expect(report(plan(["--json"]))).toMatchObject({ ok: false, message: expect.stringContaining("bob") as string });
  configured("roster.yaml", { hosts: [{ name: SECRET }], removalLimt: 1 });
  const wrong = plan(["--stack", "test"]);
  expect([wrong.code, wrong.out, wrong.err.split("\n")[1]]).toEqual([
    1,
    "",
    '  Pulumi.test.yaml: workstation:removalLimt: is no setting of this program; did you mean "removalLimit"?',
  ]);
  configured("roster.yaml");
  expect(plan(["--ledger", "broken.json"]).err).toContain("the stack's ledger:1:2");
  expect(plan(["--ledger", "nowhere.json"]).err).toContain("nowhere.json:1:1: there is no such file");
});

describe("one sentence, and nothing of what pulumi printed, where pulumi cannot answer:", () => {
  test.each([
    [
      "error: getting secrets manager: passphrase must be set with PULUMI_CONFIG_PASSPHRASE",
      "The stack's passphrase is not known",
    ],
    ["error: getting stack configuration: incorrect passphrase", "The stack's passphrase is not known"],
    ["error: no stack named 'prod' found", "There is no such stack, or none is selected"],
    ["error: no stack selected; please use `pulumi stack select`", "There is no such stack, or none is selected"],
    ["error: PULUMI_ACCESS_TOKEN must be set for login during non-interactive CLI sessions", "pulumi is not logged in"],
    ["error: the disk is full", "pulumi cannot answer (the disk is full); try `pulumi stack output` by hand."],
    ["something else", "pulumi gave no answer within 120 s, or ended without saying why"],
  ])("%s", (answer, sentence) => {
    const ran = plan([], { ANSWER: answer });
    expect([ran.code, ran.out, ran.err.trim().split("\n").length]).toEqual([1, "", 1]);
    expect(ran.err).toContain(sentence);
  });
  test("an answer that is no JSON", () => {
    bench.write("config.json", `half an answer with ${SECRET}`);
    expect(plan([])).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^pulumi answered in a form .*\n$/) as string,
    });
  });
  test("no pulumi at all, and no such configuration file", () => {
    expect(bench.ws(["plan"], "", { PATH: "/usr/bin:/bin" })).toMatchObject({
      code: 1,
      err: "There is no pulumi on the PATH. Install it, or use the lab's: eval \"$(make -s env)\" in the project's folder.\n",
    });
    expect(plan(["--config-file", "nowhere.yaml"]).err).toBe(
      `There is no configuration file ${bench.folder}/nowhere.yaml; look at the spelling of --config-file.\n`,
    );
  });
});

test("a wrong call ends with 2 and the usage", () => {
  expect([plan(["roster.yaml"]).code, plan(["--stak", "x"]).code]).toEqual([2, 2]);
  expect(plan(["roster.yaml"]).err).toContain("Usage: ./ws plan ");
});
