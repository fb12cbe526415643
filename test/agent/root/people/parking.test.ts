/** Parking a person and waking them: what is recorded, ended, suspended and restored, in which order, and that a second run changes nothing. */

import type { Stats } from "node:fs";
import { expect, test } from "vitest";
import { Refusal } from "../../../../agent/lib/errors.ts";
import { convergePart } from "../../../../agent/root/people/converge-person.ts";
import type { PersonRun } from "../../../../agent/root/people/person-run.ts";
import { restore } from "../../../../agent/root/sessions/restore-sessions.ts";
import { parkingFile } from "../../../../agent/root/state/parking-records.ts";
import { storePart } from "../../../../agent/root/state/stored-parts.ts";
import { appendRecord } from "../../../../agent/root/state/session-records.ts";
import { machineOf } from "../../../../agent/root/system/cached-accounts-and-units.ts";
import type { System } from "../../../../agent/root/system/privileged-operations.ts";
import { account, type Somebody, units } from "../../../e2e/host/parts.ts";
import { memoryDoor } from "../../in-memory-system.ts";

const emo: Somebody = { osUser: "emo", uid: 2000 };
const LINGER = "/var/lib/systemd/linger/emo";
const CRONTAB = "/var/spool/cron/crontabs/emo";
const SLICE =
  "Id=user-2000.slice\nMemoryMax=4294967296\nMemorySwapMax=0\nCPUQuotaPerSecUSec=2s\nTasksMax=512\nLoadState=loaded\nActiveState=active";

interface Process {
  readonly uid: number;
  readonly cgroup: string;
}

/** A host on which emo works: units that run, lingering, a crontab, and the given processes. */
function host(processes: readonly Process[], persistCode = 0) {
  const { sys, files } = memoryDoor();
  let running = [...processes];
  const persist = { code: persistCode, stderr: "" };
  const active = new Set<string>();
  const ran: string[] = [];
  const owners = new Map<string, { readonly uid: number; readonly mode: number }>();
  files.set("/etc/passwd", "emo:x:2000:2000::/home/emo:/bin/zsh\n");
  files.set("/etc/group", "emo:x:2000:\n");
  files.set("/etc/shadow", "emo:!:1:::::\n");
  files.set("/etc/ttyd-user-map", "# nobody\n");
  files.set(
    "/var/lib/workstation/ledger.json",
    '{"version":1,"people":{"emo":{"uid":2000,"adopted":true,"t3":3773,"browser":8931}}}',
  );
  files.set(LINGER, "");
  files.set(CRONTAB, "0 5 * * * /bin/true\n");
  const show = (unit: string) => {
    if (unit === "user-2000.slice") return SLICE;
    const on = active.has(unit);
    return `LoadState=loaded\nActiveState=${on ? "active" : "inactive"}\nUnitFileState=${on ? "enabled" : "disabled"}\nSlice=user-2000.slice`;
  };
  const act = (argv: readonly string[]) => {
    const [program = "", verb = ""] = argv;
    const names = argv.slice(argv.indexOf("--") + 1);
    if (program.endsWith("tmux-persist")) return persist.code;
    if (program.endsWith("setpriv"))
      running = running.filter(({ uid }) => !argv.includes(String(uid), argv.lastIndexOf("--")));
    if (program.endsWith("loginctl")) files.set(LINGER, "");
    if (verb === "enable" || verb === "start") for (const name of names) active.add(name);
    if (verb === "disable") for (const name of names) active.delete(name);
    if (verb === "stop") active.delete("user@2000.service");
    return 0;
  };
  const run: System["run"] = async (argv) => {
    const answer = { argv, stderr: "", timedOut: false, overflowed: false };
    if (argv[1] === "show") {
      const stdout = argv
        .slice(argv.indexOf("--") + 1)
        .map(show)
        .join("\n\n");
      return { ...answer, code: 0, stdout };
    }
    ran.push(argv.join(" "));
    const stderr = argv[0]?.endsWith("tmux-persist") === true ? persist.stderr : "";
    return { ...answer, code: act(argv), stdout: "", stderr };
  };
  const m = machineOf({
    ...sys,
    run,
    move: (from, to) => {
      files.set(to, files.get(from) ?? "");
      files.delete(from);
    },
    replaceFile: (path, file) => {
      owners.set(path, { uid: file.uid ?? 0, mode: file.mode });
      sys.replaceFile(path, file);
    },
    read: (path) => {
      const bytes = sys.read(path);
      if (bytes?.toString() === "huge") throw new Refusal(`${path} is larger than 8388608 bytes`);
      return bytes;
    },
    look: (path) => {
      if (path === "/home/emo") return { uid: 2000, isDirectory: () => true } as Stats;
      const owner = owners.get(path) ?? { uid: 0, mode: 0o600 };
      return files.has(path) ? ({ ...owner, gid: owner.uid, isFile: () => true } as Stats) : undefined;
    },
    list: (path) => (path === "/proc" ? running.map((_, at) => String(at + 10)) : sys.list(path)),
    readProcess: (pid, file = "status") => {
      const { uid = 0, cgroup = "" } = running[pid - 10] ?? {};
      return file === "cgroup" ? `0::${cgroup}\n` : `Uid:\t${uid}\t${uid}\t${uid}\t${uid}\n`;
    },
  });
  const said: string[] = [];
  const tell = (line: string) => void said.push(line);
  const personRun = { m, mode: "apply", info: tell, warn: tell } as unknown as PersonRun;
  const deliver = async (state: "present" | "parked") => {
    [said.length, ran.length] = [0, 0];
    const part = units({ ...emo, state });
    storePart(m.sys, part);
    const outcome = await convergePart(personRun, part);
    return { said: [...said], outcome };
  };
  return { m, deliver, run: personRun, ran, files, persist, left: () => running };
}

const tmux: Process = { uid: 2000, cgroup: "/system.slice/ttyd.service" };
const worker: Process = { uid: 2000, cgroup: "/system.slice/workstation-worker-emo-0a1b2c3d.service" };

test("a parked person's sessions are recorded before anything ends, and nothing of theirs runs or starts again", async () => {
  const { deliver, ran, files, left } = host([tmux]);
  await deliver("present");
  const { said, outcome } = await deliver("parked");
  expect(outcome).toMatchObject({ who: "emo", changed: 7 });
  expect(said).toEqual([
    "emo: recorded their sessions, to restore them later",
    "emo: stopped t3-serve@emo.service, disabled",
    "emo: stopped browser-serve@emo.service, disabled",
    "emo: stopped credential-sync@emo.timer, disabled",
    "emo: disabled lingering",
    "emo: suspended the crontab",
    "emo: ended all sessions and processes",
  ]);
  expect(ran[0]).toBe("/usr/local/sbin/tmux-persist save emo");
  expect([files.has(LINGER), files.has(CRONTAB), left()]).toEqual([false, false, []]);
  expect((await deliver("parked")).said).toEqual([]);
});

test("an account step does not make a parked person linger", async () => {
  const { deliver, run, files } = host([]);
  await deliver("parked");
  await convergePart(run, account(emo));
  expect(files.has(LINGER)).toBe(false);
});

test("a worker of the agent's own keeps nothing from being as it should be, and what a login started ends", async () => {
  const resting = host([worker]);
  await resting.deliver("parked");
  expect([(await resting.deliver("parked")).said, resting.left()]).toEqual([[], [worker]]);
  const back = host([{ uid: 2000, cgroup: "/user.slice/user-2000.slice/session-1.scope" }, worker]);
  await back.deliver("parked");
  expect(back.left()).toEqual([]);
});

test("back from parked, jobs, lingering, units and the saved sessions return", async () => {
  const { deliver, ran, files } = host([tmux]);
  await deliver("present");
  await deliver("parked");
  const { said } = await deliver("present");
  expect(said).toEqual([
    "emo: restored the crontab",
    "emo: started lingering, so that sessions outlive the last login",
    "emo: started t3-serve@emo.service, enabled",
    "emo: started browser-serve@emo.service, enabled",
    "emo: started credential-sync@emo.timer, enabled",
    "emo: restored the saved sessions",
  ]);
  expect(ran.at(-1)).toBe("/usr/local/sbin/tmux-persist restore emo");
  expect([files.has(LINGER), files.has(CRONTAB)]).toEqual([true, true]);
  expect((await deliver("present")).said).toEqual([]);
});

const PARKED_JOBS = "/var/lib/workstation/parked-jobs/emo";
const kept = (from: string, to: string) =>
  `emo: warning: ${from} is not restored, since a later one has its place at ${to}; copy from it by hand the lines that are still needed, then remove it`;

test("a job written while parked is suspended beside the parked one, and the later one returns", async () => {
  const { m, deliver, files } = host([]);
  const AT_JOB = "/var/spool/cron/atjobs/a0000101b2c3d4";
  const write = (path: string, bytes: string) => m.sys.replaceFile(path, { bytes, mode: 0o600, uid: 2000 });
  await deliver("present");
  write(AT_JOB, "first");
  await deliver("parked");
  for (const path of [CRONTAB, AT_JOB]) write(path, "second");
  expect((await deliver("parked")).said).toEqual(["emo: suspended the crontab", "emo: suspended an at job"]);
  const first = [`${PARKED_JOBS}/emo`, `${PARKED_JOBS}/a0000101b2c3d4`];
  expect(first.map((path) => files.get(path))).toEqual(["0 5 * * * /bin/true\n", "first"]);
  expect(first.map((path) => files.get(`${path}.2`))).toEqual(["second", "second"]);
  expect((await deliver("parked")).said).toEqual([]);
  const { said } = await deliver("present");
  expect(said.filter((line) => /parked-jobs|crontab|at job/.test(line)).sort()).toEqual([
    "emo: restored an at job",
    "emo: restored the crontab",
    kept(`${PARKED_JOBS}/a0000101b2c3d4`, AT_JOB),
    kept(`${PARKED_JOBS}/emo`, CRONTAB),
  ]);
  expect([CRONTAB, AT_JOB].map((path) => files.get(path))).toEqual(["second", "second"]);
  expect(first.map((path) => files.get(path))).toEqual(["0 5 * * * /bin/true\n", "first"]);
  expect((await deliver("present")).said).toEqual([]);
  await deliver("parked");
  expect(files.get(`${PARKED_JOBS}/emo.2`)).toBe("second");
});

test("a crontab written since the last run of a parked person is not overwritten on their return", async () => {
  const { deliver, files } = host([]);
  await deliver("parked");
  files.set(CRONTAB, "written since\n");
  const { said, outcome } = await deliver("present");
  expect(outcome).not.toHaveProperty("failed");
  expect(said).toContain(kept(`${PARKED_JOBS}/emo`, CRONTAB));
  expect([files.get(CRONTAB), files.get(`${PARKED_JOBS}/emo`)]).toEqual(["written since\n", "0 5 * * * /bin/true\n"]);
  expect((await deliver("present")).said).toEqual([]);
});

const recordSession = (sys: System, name: string) =>
  appendRecord(sys, "emo", { version: 1, takenAtMs: 1, sessions: [{ name, directory: "/home/emo" }], forgotten: [] });
const RESTORE = "/usr/local/sbin/tmux-persist restore emo";

test("the sessions of the record that parking left return, although there is a newer record by then", async () => {
  const { m, deliver, ran } = host([]);
  for (const name of ["earlier", "work"]) recordSession(m.sys, name);
  await deliver("parked");
  recordSession(m.sys, "later");
  await deliver("present");
  expect(ran.at(-1)).toBe(`${RESTORE} --record 2`);
});

test("sessions that could not be restored are tried again by the next run, and nothing else of the return is repeated", async () => {
  const { m, deliver, ran, files, persist } = host([]);
  recordSession(m.sys, "work");
  await deliver("parked");
  persist.code = 1;
  persist.stderr = "emo: work: restored with a shell: the transcript of its conversation cannot be read (EIO)\n";
  const { said, outcome } = await deliver("present");
  expect(outcome).not.toHaveProperty("failed");
  expect(said.filter((line) => line.includes("saved session"))).toEqual([
    `emo: warning: not every saved session was restored: ${RESTORE} --record 1 ended with 1: ${persist.stderr.trim()}; the next run tries again. To give up, remove ${parkingFile("emo")}`,
  ]);
  files.delete(CRONTAB);
  files.set(`${PARKED_JOBS}/emo`, "kept");
  expect((await deliver("present")).outcome).toMatchObject({ changed: 0 });
  expect([ran.at(-1), files.has(CRONTAB)]).toEqual([`${RESTORE} --record 1`, false]);
  Object.assign(persist, { code: 0, stderr: "" });
  expect((await deliver("present")).said).toEqual(["emo: restored the saved sessions"]);
  expect((await deliver("present")).said).toEqual([]);
});

test("a person who is parked again before all sessions were restored has their present sessions recorded", async () => {
  const { m, deliver, ran, persist } = host([]);
  recordSession(m.sys, "work");
  await deliver("parked");
  persist.code = 1;
  await deliver("present");
  persist.code = 0;
  recordSession(m.sys, "later");
  expect((await deliver("parked")).said).toContain("emo: recorded their sessions, to restore them later");
  await deliver("present");
  expect(ran.at(-1)).toBe(`${RESTORE} --record 2`);
});

test("sessions that cannot be recorded are reported and do not keep a person from being parked", async () => {
  const { deliver, left } = host([tmux], 1);
  expect((await deliver("parked")).said.find((line) => line.includes("warning"))).toMatch(
    /^emo: warning: their sessions were not recorded, so an earlier record is what can be restored: \/usr\/local\/sbin\/tmux-persist save emo ended with 1/,
  );
  expect(left()).toEqual([]);
});

test("what a save and a restore that went well warn of is reported as this person's warning", async () => {
  const { deliver, persist } = host([tmux]);
  persist.stderr = "emo: another tmux server of theirs is not saved\n";
  expect((await deliver("parked")).said).toContain("emo: warning: another tmux server of theirs is not saved");
  persist.stderr = "emo: main: left alone: its conversation is not restored\n";
  expect((await deliver("present")).said).toContain("emo: warning: main: left alone: its conversation is not restored");
  expect((await deliver("present")).said).toEqual([]);
});

test("while another save or restore is at work nothing is ended, and the run says so", async () => {
  const { deliver, files, left, persist } = host([tmux], 75);
  const limits = "/etc/systemd/system/user-2000.slice.d/50-workstation.conf";
  const { outcome } = await deliver("parked");
  expect(outcome).toMatchObject({ failed: expect.stringContaining("waited in vain for another save or restore") });
  // A smaller limit could end what is still to be recorded.
  expect([left(), files.has(limits)]).toEqual([[tmux], false]);
  persist.code = 0;
  await deliver("parked");
  expect([left(), files.get(limits)]).toEqual([[], expect.stringContaining("MemoryMax=4G")]);
});

test("limits that the disk does not take keep nobody from being parked", async () => {
  const { m, run, left } = host([tmux]);
  const replaceFile: System["replaceFile"] = (path, file) => {
    if (path.includes("slice")) throw new Refusal("ENOSPC: no space left on device");
    m.sys.replaceFile(path, file);
  };
  const full = { ...run, m: machineOf({ ...m.sys, replaceFile }) };
  const outcome = await convergePart(full, units({ ...emo, state: "parked" }));
  expect([outcome, left()]).toEqual([expect.objectContaining({ failed: "ENOSPC: no space left on device" }), []]);
});

test("nobody restores the sessions of a parked person", async () => {
  const { m, deliver } = host([]);
  await deliver("parked");
  await expect(restore(m.sys, { who: "emo", json: false })).rejects.toThrow(
    "emo is parked on this host, so nothing is restored",
  );
  m.sys.replaceFile("/etc/ttyd-user-map", { bytes: "emo@x=emo\n", mode: 0o644 });
  expect(await restore(m.sys, { json: false })).toBe(0);
});

test.each([
  ["a NUL byte", "T3_PORT=1\n\0", "contains a NUL byte"],
  ["more than root reads", "huge", "/etc/t3-serve/emo.env is larger"],
])("somebody whose environment file holds %s is parked, and their lower limits are written", async (_, text, why) => {
  const { deliver, files, left } = host([tmux]);
  files.set("/etc/t3-serve/emo.env", text);
  const { outcome } = await deliver("parked");
  expect(outcome).toMatchObject({ failed: expect.stringContaining(why) });
  expect([files.has(LINGER), files.has(CRONTAB), left()]).toEqual([false, false, []]);
  expect(files.get("/etc/systemd/system/user-2000.slice.d/50-workstation.conf")).toContain("MemoryMax=4G");
});

test("ports that this host's ledger assigns otherwise keep nobody from being parked, and present from their limits", async () => {
  for (const state of ["parked", "present"] as const) {
    const { deliver, files, left } = host([tmux]);
    const person = { uid: 2000, adopted: true, t3: 3999, browser: 8999 };
    files.set("/var/lib/workstation/ledger.json", JSON.stringify({ version: 1, people: { emo: person } }));
    const { outcome } = await deliver(state);
    expect(outcome).toMatchObject({ failed: expect.stringContaining("ports are never reassigned") });
    expect(left()).toHaveLength(state === "parked" ? 0 : 1);
    expect(files.get("/etc/systemd/system/user-2000.slice.d/50-workstation.conf")).toContain("MemoryMax=4G");
  }
});

test("another account of that name is neither parked nor limited", async () => {
  const { deliver, files, left } = host([tmux]);
  files.set("/etc/passwd", "emo:x:2005:2005::/home/emo:/bin/zsh\n");
  const { outcome } = await deliver("parked");
  expect(outcome).toMatchObject({ failed: "the account has uid 2005 on this host, but 2000 was delivered" });
  expect([left().length, [...files.keys()].filter((path) => path.includes("slice"))]).toEqual([1, []]);
});
