/** The limits that systemd has are what counts, whatever the generated files say. */
import { totalmem } from "node:os";
import { expect, test } from "vitest";
import { Refusal } from "../../../../agent/lib/errors.ts";
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
  texts: Readonly<Record<string, string>> = {},
) {
  const { sys, files } = memoryDoor();
  for (const [path, text] of Object.entries(texts)) files.set(path, text);
  const read = (path: string) => {
    if (path.endsWith("-link.conf")) throw new Refusal(`${path} is a symbolic link`);
    return sys.read(path);
  };
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
  return machineOf({ ...sys, read, run });
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

test("each difference names the file that sets it, and the later of two", async () => {
  const own = "/etc/systemd/system/user-2000.slice.d";
  const control = "/etc/systemd/system.control/user-2000.slice.d/50-CPUQuota.conf";
  const shown = {
    ...{
      ...RIGHT,
      MemoryMax: "1073741824",
      CPUQuotaPerSecUSec: "500ms",
      DevicePolicy: "closed",
      MemoryHigh: "1048576",
    },
    DeviceAllow: "/dev/null rw",
    DropInPaths: [`${own}/10-a.conf`, OURS, `${own}/90-b.conf`, `${own}/99-link.conf`, control].join(" "),
  };
  const m = machineWith(
    shown,
    undefined,
    {},
    {
      [`${own}/10-a.conf`]: "[Slice]\nMemoryMax=9G\nDevicePolicy = closed\nDeviceAllow=/dev/null rw\n",
      [OURS]: "[Slice]\nMemoryMax=4G\nMemorySwapMax=0\nCPUQuota=200%\nTasksMax=512\n",
      [`${own}/90-b.conf`]: "[Slice]\n# MemoryHigh=1M\nMemoryMax=1G\nDeviceAllow=\n",
      [control]: "[Slice]\nCPUQuota=50%\n",
    },
  );
  await expect(look(m)).rejects.toThrow(
    `systemd has for user-2000.slice MemoryMax=1073741824, expected 4G (set in ${own}/90-b.conf) and MemoryHigh=1048576, ` +
      `expected infinity and CPUQuotaPerSecUSec=500ms, expected 200% (set in ${control}) and DevicePolicy=closed, expected auto ` +
      `(set in ${own}/10-a.conf) and DeviceAllow=/dev/null rw, expected none (set in ${own}/10-a.conf). Other drop-ins: `,
  );
});

test("a limit that our own file sets otherwise was set by something else, and our file is not blamed", async () => {
  const m = machineWith({ ...RIGHT, TasksMax: "9", DropInPaths: OURS }, undefined, {}, { [OURS]: "TasksMax=512\n" });
  await expect(look(m)).rejects.toThrow(/^systemd has for user-2000\.slice TasksMax=9, expected 512\. Remove what/);
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
  ["user.slice", { MemoryHigh: "1048576" }, "MemoryHigh=1048576, expected 4G or more"],
  ["user.slice", { CPUQuotaPerSecUSec: "1s" }, "CPUQuotaPerSecUSec=1s, expected 200% or more"],
  ["user.slice", { DevicePolicy: "strict" }, "DevicePolicy=strict, expected auto"],
  ["user@2000.service", { MemoryMax: "1048576" }, "MemoryMax=1048576, expected 4G or more"],
  ["user@2000.service", { TasksMax: "9" }, "TasksMax=9, expected 512 or more"],
  ["user@2000.service", { AllowedCPUs: "0" }, "AllowedCPUs=0, expected none"],
  [
    "t3-serve@ana.service",
    { Slice: "user-2000.slice", MemoryHigh: "1048576" },
    "MemoryHigh=1048576, expected infinity",
  ],
  [
    "browser-serve@ana.service",
    { Slice: "user-2000.slice", DeviceAllow: "/dev/null r" },
    "DeviceAllow=/dev/null r, expected none",
  ],
])("what %s has counts for its people too", async (unit, shown, different) => {
  await expect(look(machineWith(RIGHT, undefined, { [unit]: shown }))).rejects.toThrow(
    `systemd has for ${unit} ${different}`,
  );
});

const RIGHTS = { Slice: "user-2000.slice", User: "ana", PrivateTmp: "no", ProtectHome: "no" };
const HARDENING = "/etc/systemd/system/service.d/hardening.conf";

test.each([
  ["t3-serve@ana.service", { PrivateTmp: "yes" }, "PrivateTmp=yes, expected no"],
  ["t3-serve@ana.service", { NoNewPrivileges: "yes" }, "NoNewPrivileges=yes, expected no"],
  ["t3-serve@ana.service", { User: "root" }, "User=root, expected ana"],
  ["browser-serve@ana.service", { ProtectHome: "tmpfs", NoNewPrivileges: "yes" }, "ProtectHome=tmpfs, expected no"],
  ["user@2000.service", { NoNewPrivileges: "yes" }, "NoNewPrivileges=yes, expected no"],
])("a hardening of the whole host that keeps an admin from work in %s is named", async (unit, shown, different) => {
  const other = { ...RIGHTS, ...shown, DropInPaths: HARDENING };
  const text = Object.entries(shown).map(([key, value]) => `${key}=${value}\n`);
  const m = machineWith(RIGHT, undefined, { [unit]: other }, { [HARDENING]: `[Service]\n${text.join("")}` });
  await expect(limitsInEffect(m, { ...part, gainsPrivileges: true }).differences()).rejects.toThrow(
    `systemd has for ${unit} ${different} (set in ${HARDENING}). Remove`,
  );
});

test("rights as the templates give them are no difference, nor are the defaults of a unit that is not there", async () => {
  const server = { ...RIGHTS, NoNewPrivileges: "yes" };
  const others = { "t3-serve@ana.service": server, "browser-serve@ana.service": server };
  expect(await look(machineWith(RIGHT, undefined, others))).toEqual([]);
  const missing = { Slice: "user-2000.slice", LoadState: "not-found", NoNewPrivileges: "no" };
  expect(await look(machineWith(RIGHT, undefined, { ...others, "browser-serve@ana.service": missing }))).toEqual([]);
});

test("a code server that may gain privileges although no tier of its person gives that is named", async () => {
  const m = machineWith(RIGHT, undefined, { "t3-serve@ana.service": { ...RIGHTS, NoNewPrivileges: "no" } });
  await expect(look(m)).rejects.toThrow("NoNewPrivileges=no, expected yes");
});

test("a ceiling around a person is no difference where it leaves them all of theirs", async () => {
  const ample = { MemoryMax: "8589934592", MemoryHigh: "4294967296", CPUQuotaPerSecUSec: "1min", TasksMax: "infinity" };
  const others = { "user.slice": ample, "user@2000.service": { ...ample, DevicePolicy: "auto", DeviceAllow: "" } };
  expect(await look(machineWith(RIGHT, undefined, others))).toEqual([]);
});

test("any ceiling around a person whose memory has none is one", async () => {
  const m = machineWith({ ...RIGHT, MemoryMax: "infinity" }, undefined, { "user.slice": { MemoryMax: "8589934592" } });
  await expect(look(m, { ...part.limits, memory: "infinity" })).rejects.toThrow(
    "MemoryMax=8589934592, expected infinity",
  );
});

test("a memory from which on a person is slowed down is named", async () => {
  await expect(look(machineWith({ ...RIGHT, MemoryHigh: "1048576" }))).rejects.toThrow(
    "MemoryHigh=1048576, expected infinity",
  );
});

const LOW = "/etc/systemd/system/t3-serve@.service.d/zz.conf";
const FRAGMENT = "/etc/systemd/system/t3-serve@.service";

test.each([
  ["memory", { MemoryMax: "67108864" }, "MemoryMax=64M", "MemoryMax=67108864, expected 4G or more"],
  ["processors", { CPUQuotaPerSecUSec: "10ms" }, "CPUQuota=1%", "CPUQuotaPerSecUSec=10ms, expected 200% or more"],
  ["tasks", { TasksMax: "4" }, "TasksMax=4", "TasksMax=4, expected 512 or more"],
])("a drop-in that lowers the %s of one service is named", async (_, shown, text, different) => {
  const unit = { Slice: "user-2000.slice", ...shown, FragmentPath: FRAGMENT, DropInPaths: LOW };
  const m = machineWith(RIGHT, undefined, { "t3-serve@ana.service": unit }, { [LOW]: `[Service]\n${text}\n` });
  await expect(look(m)).rejects.toThrow(`systemd has for t3-serve@ana.service ${different} (set in ${LOW})`);
});

test("neither the template's own limit nor what systemd gives every service lowers anything", async () => {
  const shown = { Slice: "user-2000.slice", MemoryMax: "4294967296", TasksMax: "100" };
  const unit = { ...shown, FragmentPath: FRAGMENT, DropInPaths: LOW };
  const texts = { [FRAGMENT]: "[Service]\nMemoryMax=4G\n", [LOW]: "[Service]\nMemoryMax=4G\n" };
  const m = machineWith(RIGHT, undefined, { "t3-serve@ana.service": unit }, texts);
  await expect(limitsInEffect(m, { ...part, limits: { ...part.limits, memory: "4G" } }).differences()).resolves.toEqual(
    [],
  );
  const more = machineWith({ ...RIGHT, MemoryMax: "8589934592" }, undefined, { "t3-serve@ana.service": unit }, texts);
  expect(await look(more, { ...part.limits, memory: "8G" })).toEqual([]);
});
