/** Units that are started are enabled by one command; those that are stopped on purpose do not stay failed. */
import { expect, test } from "vitest";
import { startAndStopUnits } from "../../../../agent/root/services/start-and-stop-units.ts";
import { converge } from "../../../../agent/lib/converge.ts";
import { machineOf } from "../../../../agent/root/system/cached-accounts-and-units.ts";
import { memoryDoor } from "../../in-memory-system.ts";

const UNIT = "t3-serve@ana.service";

/** A systemd with one unit that fails when it is stopped. */
function machineWith(active: string, file: string) {
  const state = { active, file };
  const done: string[] = [];
  const run = async (argv: readonly string[]) => {
    const verb = argv[1] ?? "";
    if (verb === "disable") Object.assign(state, { active: "failed", file: "disabled" });
    if (verb === "reset-failed") state.active = "inactive";
    if (verb !== "show") done.push(verb);
    const stdout = `LoadState=loaded\nActiveState=${state.active}\nSubState=x\nUnitFileState=${state.file}\n`;
    return { argv, code: 0, stdout, stderr: "", timedOut: false, overflowed: false };
  };
  return { m: machineOf({ ...memoryDoor().sys, run }), done };
}

test.each([
  ["running", "active", "enabled", ["disable", "reset-failed"], `stopped ${UNIT}, disabled`],
  [
    "failed since an earlier stop",
    "failed",
    "disabled",
    ["reset-failed"],
    `reset the failed state of ${UNIT}, which is meant to be stopped`,
  ],
])(
  "a unit that is %s rests, not failed, and a second run changes nothing",
  async (_, active, file, verbs, sentence) => {
    const { m, done } = machineWith(active, file);
    const said: string[] = [];
    await converge(startAndStopUnits(m, { run: [], rest: [UNIT] }), "apply", (line) => said.push(line));
    expect([done, said]).toEqual([verbs, [sentence]]);
    await converge(startAndStopUnits(m, { run: [], rest: [UNIT] }), "apply", (line) => said.push(line));
    expect(done).toEqual(verbs);
  },
);

test("units are enabled by one command, each that does not run is started, and a second run changes nothing", async () => {
  const units = new Map([
    ["a.service", { active: "inactive", file: "disabled" }],
    ["b.timer", { active: "active", file: "disabled" }],
    ["c.socket", { active: "failed", file: "enabled" }],
    ["d.service", { active: "active", file: "enabled" }],
  ]);
  const done: string[] = [];
  const run = async (argv: readonly string[]) => {
    const [, verb = "", ...rest] = argv;
    const named = rest.filter((word) => units.has(word));
    if (verb !== "show") done.push([verb, ...named].join(" "));
    for (const unit of named) {
      if (verb === "enable") Object.assign(units.get(unit) ?? {}, { file: "enabled" });
      if (verb === "start") Object.assign(units.get(unit) ?? {}, { active: "active" });
    }
    const blocks = named.map((unit) => {
      const { active, file } = units.get(unit) ?? { active: "", file: "" };
      return `LoadState=loaded\nActiveState=${active}\nSubState=x\nUnitFileState=${file}\n`;
    });
    return { argv, code: 0, stdout: blocks.join("\n"), stderr: "", timedOut: false, overflowed: false };
  };
  const once = () =>
    converge(
      startAndStopUnits(machineOf({ ...memoryDoor().sys, run }), { run: [...units.keys()], rest: [] }),
      "apply",
      () => undefined,
    );
  await once();
  expect(done).toEqual([
    "enable a.service b.timer",
    "start a.service",
    "start b.timer",
    "reset-failed c.socket",
    "start c.socket",
  ]);
  await once();
  expect(done).toHaveLength(5);
});
