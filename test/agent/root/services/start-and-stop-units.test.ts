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

/** A systemd with some units, of which one may be impossible to enable. @returns what was asked of it beside looks */
function systemdOf(units: Record<string, { active: string; file: string }>, broken = "") {
  const done: string[] = [];
  const run = async (argv: readonly string[]) => {
    const [, verb = "", ...rest] = argv;
    const named = rest.filter((word) => word in units);
    const isNow = rest.includes("--now");
    if (verb !== "show") done.push([verb, ...named].join(" "));
    const code = verb === "enable" && named.includes(broken) ? 1 : 0;
    for (const unit of code === 0 ? named : []) {
      if (verb === "enable") Object.assign(units[unit] ?? {}, { file: "enabled" });
      if (verb === "start" || isNow) Object.assign(units[unit] ?? {}, { active: "active" });
    }
    const blocks = named.map((unit) => {
      const { active, file } = units[unit] ?? { active: "", file: "" };
      return `LoadState=loaded\nActiveState=${active}\nSubState=x\nUnitFileState=${file}\n`;
    });
    return { argv, code, stdout: blocks.join("\n"), stderr: "it is masked", timedOut: false, overflowed: false };
  };
  const start = () =>
    converge(
      startAndStopUnits(machineOf({ ...memoryDoor().sys, run }), { run: Object.keys(units), rest: [] }),
      "apply",
      () => undefined,
    );
  return { start, done };
}

test("units are enabled by one command, each that does not run is started, and a second run changes nothing", async () => {
  const { start, done } = systemdOf({
    "a.service": { active: "inactive", file: "disabled" },
    "b.timer": { active: "active", file: "disabled" },
    "c.socket": { active: "failed", file: "enabled" },
    "d.service": { active: "active", file: "enabled" },
  });
  await start();
  expect(done).toEqual([
    "enable a.service b.timer",
    "start a.service",
    "start b.timer",
    "reset-failed c.socket",
    "start c.socket",
  ]);
  await start();
  expect(done).toHaveLength(5);
});

test("one that cannot be enabled is named, and keeps none before it from running", async () => {
  const units = {
    "a.service": { active: "inactive", file: "disabled" },
    "b.service": { active: "inactive", file: "disabled" },
  };
  const { start, done } = systemdOf(units, "b.service");
  await expect(start()).rejects.toThrow(/systemctl enable --now .*b\.service.*it is masked/);
  expect(units["a.service"]).toEqual({ active: "active", file: "enabled" });
  expect(done).toEqual(["enable a.service b.service", "enable a.service", "enable b.service"]);
});
