/** The limits that systemd has are what counts, whatever the generated files say. */
import { totalmem } from "node:os";
import { expect, test } from "vitest";
import { limitsInEffect } from "../../../../agent/root/services/limits-in-effect.ts";
import { machineOf } from "../../../../agent/root/system/cached-accounts-and-units.ts";
import { units } from "../../../e2e/host/parts.ts";
import { memoryDoor } from "../../in-memory-system.ts";

const RIGHT = { MemoryMax: "4294967296", MemorySwapMax: "0", CPUQuotaPerSecUSec: "2s", TasksMax: "512" };
const OURS = "/etc/systemd/system/user-2000.slice.d/50-workstation.conf";

/** A systemd that shows these properties for the slice of `ana`, and this slice for her code server. */
function machineWith(
  ofSlice: Readonly<Record<string, string>>,
  serverSlice = "user-2000.slice",
  others: Readonly<Record<string, Readonly<Record<string, string>>>> = {},
) {
  const block = (unit: string) => {
    const shown = unit.startsWith("user-")
      ? ofSlice
      : (others[unit] ?? { Slice: unit.startsWith("t3-") ? serverSlice : "user-2000.slice" });
    return Object.entries({ LoadState: "loaded", ...shown }).map(([key, value]) => `${key}=${value}`);
  };
  const run = async (argv: readonly string[]) => {
    const stdout = argv.slice(argv.indexOf("--") + 1).map((unit) => block(unit).join("\n"));
    return { argv, code: 0, stdout: `${stdout.join("\n\n")}\n`, stderr: "", timedOut: false, overflowed: false };
  };
  return machineOf({ ...memoryDoor().sys, run });
}
const part = units({ osUser: "ana", uid: 2000 });
const look = (m: ReturnType<typeof machineWith>, limits = part.limits) =>
  limitsInEffect(m, { ...part, limits }).differences();

test.each([
  ["as delivered", RIGHT, part.limits],
  ["of a fraction of a CPU", { ...RIGHT, CPUQuotaPerSecUSec: "1s 500ms" }, { ...part.limits, cpu: "150%" }],
  ["of many CPUs", { ...RIGHT, CPUQuotaPerSecUSec: "1min 20s" }, { ...part.limits, cpu: "8000%" }],
  ["without an end", { ...RIGHT, TasksMax: "infinity" }, { ...part.limits, tasks: "infinity" }],
  ["of a share", { ...RIGHT, MemoryMax: String(Math.floor(totalmem() / 4)) }, { ...part.limits, memory: "25%" }],
])("limits %s are no difference", async (_, shown, limits) => {
  expect(await look(machineWith(shown), limits)).toEqual([]);
});

test("a drop-in with a later name is named with what it sets and what was expected", async () => {
  const dropIns = `${OURS} /etc/systemd/system/user-.slice.d/90-more.conf`;
  await expect(
    look(machineWith({ ...RIGHT, MemoryMax: "infinity", TasksMax: "9", DropInPaths: dropIns })),
  ).rejects.toThrow(
    "systemd has for user-2000.slice MemoryMax=infinity, expected 4G and TasksMax=9, expected 512. " +
      "Other drop-ins: /etc/systemd/system/user-.slice.d/90-more.conf. Remove what overrides it, then run: systemctl daemon-reload",
  );
});

test("a service that was taken out of its person's slice is named", async () => {
  await expect(look(machineWith(RIGHT, "system.slice"))).rejects.toThrow(
    "systemd has for t3-serve@ana.service Slice=system.slice, expected user-2000.slice",
  );
});

test.each([
  ["user@2000.service", { Slice: "system.slice" }, "Slice=system.slice, expected user-2000.slice"],
  ["user.slice", { MemoryMax: "1073741824", TasksMax: "infinity" }, "MemoryMax=1073741824, expected 4G or more"],
  ["user.slice", { TasksMax: "100" }, "TasksMax=100, expected 512 or more"],
])("what %s has counts for its people too", async (unit, shown, different) => {
  await expect(look(machineWith(RIGHT, undefined, { [unit]: shown }))).rejects.toThrow(
    `systemd has for ${unit} ${different}`,
  );
});

test("a memory from which on a person is slowed down is named", async () => {
  await expect(look(machineWith({ ...RIGHT, MemoryHigh: "1048576" }))).rejects.toThrow(
    "MemoryHigh=1048576, expected infinity",
  );
});
