import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bundleAgent } from "../../../agent/bundle.ts";
import { parseCommandLine, type Syntax } from "../../../agent/lib/command-line.ts";
import { Refusal } from "../../../agent/lib/errors.ts";

const SYNTAX = {
  settle: {},
  status: { options: { json: "switch" }, operands: ["user?"] },
  probe: { options: { json: "switch" }, operands: ["user…"] },
  remove: { options: { uid: "value" }, operands: ["user"] },
  forget: { operands: ["user", "session"], isOptionFree: true },
} as const satisfies Readonly<Record<string, Syntax>>;

const parse = (...argv: string[]) => parseCommandLine(argv, SYNTAX, "usage: program");

test.each([
  [["settle"], "settle", [], {}],
  [["status", "--json"], "status", [], { json: true }],
  [["status", "--json", "ana"], "status", ["ana"], { json: true }],
  [["probe", "ana=anna", "bob"], "probe", ["ana=anna", "bob"], {}],
  [["remove", "ana", "--uid", "2001"], "remove", ["ana"], { uid: "2001" }],
  [["forget", "ana", "-x"], "forget", ["ana", "-x"], {}],
])("%j is understood", (argv, command, operands, options: { json?: boolean; uid?: string }) => {
  const line = parse(...argv);
  if (line === "help") throw new Error("help was not asked for");
  expect([line.command, line.operands]).toEqual([command, operands]);
  expect([line.has("json"), line.value("uid")]).toEqual([options.json === true, options.uid]);
});

test.each([
  [[], "a command is missing"],
  [["stop"], 'unknown command "stop"'],
  [["toString"], 'unknown command "toString"'],
  [["settle", "now"], "expected no operand, but found 1"],
  [["settle", "--json"], "Unknown option '--json'"],
  [["probe"], "expected <user…>, but found 0"],
  [["status", "ana", "bob"], "expected <user?>, but found 2"],
  [["remove", "ana", "--uid"], "argument missing"],
  [["remove", "ana", "--uid", "1", "--uid", "2"], "--uid is given twice"],
  [["status", "--json=yes"], "does not take an argument"],
])("%j is refused with its reason and the usage", (argv, why) => {
  expect(() => parse(...argv)).toThrow(Refusal);
  expect(() => parse(...argv)).toThrow(why);
  expect(() => parse(...argv)).toThrow(/\nusage: program$/);
});

test.each([[["--help"]], [["-h"]], [["help"]], [["status", "--help"]]])("%j asks for help", (argv) => {
  expect(parse(...argv)).toBe("help");
});

let folder = "";
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "command-line-"));
  writeFileSync(join(folder, "agent.mjs"), (await bundleAgent()).text);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each([
  [["--help"], "usage: workstation <command>"],
  [["sessions", "--help"], "usage: tmux-persist <command>"],
])("the agent prints its usage for %j and ends well, whoever asks", (argv, usage) => {
  const said = execFileSync(process.execPath, [join(folder, "agent.mjs"), ...argv], { encoding: "utf8" });
  expect(said.startsWith(usage)).toBe(true);
});
