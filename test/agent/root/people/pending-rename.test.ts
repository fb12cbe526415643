/** What a change takes away from somebody whose rename waits: groups, access, limits and services go at once, under the former name. */

import type { Stats } from "node:fs";
import { expect, test } from "vitest";
import { convergePart } from "../../../../agent/root/people/converge-person.ts";
import type { PersonRun } from "../../../../agent/root/people/person-run.ts";
import { readGranted, startGranted, writeGranted } from "../../../../agent/root/state/granted-groups.ts";
import { readOffboarding } from "../../../../agent/root/state/offboarding-records.ts";
import { storePart } from "../../../../agent/root/state/stored-parts.ts";
import { peopleBeforeRename } from "../../../../agent/root/accounts/terminal-users.ts";
import { machineOf } from "../../../../agent/root/system/cached-accounts-and-units.ts";
import type { System } from "../../../../agent/root/system/privileged-operations.ts";
import { account, type Somebody, units } from "../../../e2e/host/parts.ts";
import { memoryDoor } from "../../in-memory-system.ts";

const ADMIN = ["code-shared", "docker", "sudo"];
const GIDS: Readonly<Record<string, number>> = { sudo: 27, docker: 999, "code-shared": 1200 };
const anca: Somebody = { osUser: "anca", uid: 2000, groups: ADMIN };
const anna: Somebody = { osUser: "anna", uid: 2000, formerNames: ["anca"] };
const STAYS = "anca is to be renamed to anna, but is in use (session-1.scope)";

interface Process {
  readonly groups: readonly string[];
}

/** A host on which anca is an admin and has the given processes in a login session. */
function host(processes: readonly Process[]) {
  const { sys, files } = memoryDoor();
  let running = [...processes];
  const members = new Set(ADMIN);
  const login = { name: "anca", password: "x", expires: "" };
  const homes = new Set(["/home/anca"]);
  const started = new Set<string>();
  const ran: string[] = [];
  const write = () => {
    const groups = ADMIN.map((group) => `${group}:x:${GIDS[group]}:${members.has(group) ? login.name : ""}`);
    files.set("/etc/group", `${login.name}:x:2000:\n${groups.join("\n")}\n`);
    files.set("/etc/passwd", `${login.name}:x:2000:2000::/home/${login.name}:/bin/zsh\n`);
    files.set("/etc/shadow", `${login.name}:${login.password}:1:::::${login.expires}:\n`);
  };
  write();
  files.set(
    "/var/lib/workstation/ledger.json",
    '{"version":1,"people":{"anca":{"uid":2000,"adopted":true,"t3":3773,"browser":8931}}}',
  );
  const answerOf = (argv: readonly string[]): { readonly code: number; readonly stdout: string } => {
    const [program = "", verb = ""] = argv;
    if (program.endsWith("/ps")) return { code: 0, stdout: running.map(() => "session-1.scope -\n").join("") };
    if (verb === "show-user") return { code: running.length > 0 ? 0 : 1, stdout: "" };
    if (verb !== "show") return { code: 0, stdout: "" };
    const asked = argv.slice(argv.indexOf("--") + 1);
    const stateOf = (unit: string) => (started.has(unit) ? "active" : "inactive");
    return { code: 0, stdout: asked.map((unit) => `LoadState=loaded\nActiveState=${stateOf(unit)}`).join("\n\n") };
  };
  const act = (argv: readonly string[]): void => {
    const [program = "", verb = ""] = argv;
    if (program.endsWith("gpasswd")) members.delete(argv.at(-1) ?? "");
    if (program.endsWith("setpriv") || (verb === "stop" && argv.includes("user-2000.slice"))) running = [];
    if (verb === "start") for (const unit of argv) started.add(unit);
    if (verb === "enable-linger") files.set(`/var/lib/systemd/linger/${login.name}`, "");
    if (verb === "--login") login.name = argv[2] ?? "";
    if (verb === "--lock") login.password = "!x";
    if (verb === "--expiredate") login.expires = argv[2] ?? "";
    write();
  };
  const run: System["run"] = async (argv) => {
    if (!["show", "show-user"].includes(argv[1] ?? "")) ran.push(argv.join(" "));
    const answer = answerOf(argv);
    act(argv);
    return { argv, ...answer, stderr: "", timedOut: false, overflowed: false };
  };
  const modes = new Map<string, number>();
  const m = machineOf({
    ...sys,
    run,
    replaceFile: (path, file) => {
      modes.set(path, file.mode);
      sys.replaceFile(path, file);
    },
    move: (from, to) => {
      files.set(to, files.get(from) ?? "");
      files.delete(from);
    },
    renameHome: (from, to) => {
      homes.delete(from);
      homes.add(to);
    },
    linkHome: (from) => void homes.add(from),
    look: (path) => {
      if (homes.has(path)) return { uid: 2000, mode: 0o40700, isDirectory: () => true } as Stats;
      return files.has(path)
        ? ({ uid: 0, gid: 0, mode: modes.get(path) ?? 0o600, isFile: () => true } as Stats)
        : undefined;
    },
    list: (path) => (path === "/proc" ? running.map((_, at) => String(at + 10)) : sys.list(path)),
    readProcess: (pid) => {
      const gids = (running[pid - 10]?.groups ?? []).map((group) => GIDS[group]).join(" ");
      return `Uid:\t2000\t2000\t2000\t2000\nGid:\t2000\t2000\t2000\t2000\nGroups:\t${gids} \n`;
    },
  });
  const said: string[] = [];
  const tell = (line: string) => void said.push(line);
  const counted: string[] = [];
  const count = (osUser: string) => void counted.push(osUser);
  const allowance = { consume: count, consumeGroups: count };
  const personRun = { m, mode: "apply", info: tell, warn: tell, allowance } as unknown as PersonRun;
  const deliver = async (part: ReturnType<typeof account | typeof units>) => {
    [said.length, ran.length] = [0, 0];
    if (part.kind === "account") startGranted(m, part);
    storePart(m.sys, part);
    return { outcome: await convergePart(personRun, part), said: [...said], ran: [...ran] };
  };
  storePart(m.sys, account(anca));
  const state = () => ({ name: login.name, groups: [...members], processes: running.length });
  return { m, deliver, counted, state, login, endWork: () => (running = []) };
}

test("a demotion takes the groups at once although the rename in the same change waits, and counts once", async () => {
  const { m, deliver, counted, state, endWork } = host([{ groups: [] }]);
  writeGranted(m.sys, "anca", ADMIN);
  const first = await deliver(account(anna));
  expect(first.said).toEqual([
    ...ADMIN.map((group) => `anna: removed from group ${group}`),
    "anna: recorded that their tier no longer gives code-shared, docker, sudo",
  ]);
  expect(first.outcome).toMatchObject({ failed: expect.stringContaining(STAYS) });
  expect(first.outcome).toMatchObject({ failed: expect.stringContaining("are taken from anca") });
  expect([state(), readGranted(m.sys, "anca")]).toEqual([{ name: "anca", groups: [], processes: 1 }, []]);
  const second = await deliver(account(anna));
  expect([second.said, "failed" in second.outcome, counted]).toEqual([[], true, ["anna"]]);
  endWork();
  const third = await deliver(account(anna));
  expect(third.outcome).not.toHaveProperty("failed");
  expect([state().name, counted]).toEqual(["anna", ["anna"]]);
  expect(readGranted(m.sys, "anna")).toEqual([]);
});

test("sessions that hold a taken group are ended, so the rename follows in the same run", async () => {
  const { deliver, state } = host([{ groups: ["docker"] }, { groups: [] }]);
  const { said, outcome } = await deliver(account(anna));
  expect(outcome).not.toHaveProperty("failed");
  expect(said).toContain("anna: ended their sessions and processes, 1 of which held code-shared, docker, sudo");
  expect(said).toContain("anna: renamed account anca to anna");
  expect(state()).toEqual({ name: "anna", groups: [], processes: 0 });
});

test("a group that was recorded under the new name while the rename waited is taken too", async () => {
  const { m, deliver, state } = host([{ groups: [] }]);
  writeGranted(m.sys, "anna", ["docker"]);
  await deliver(account(anna));
  expect([state().groups, readGranted(m.sys, "anna")]).toEqual([["code-shared", "sudo"], []]);
});

test("who leaves under a new name is offboarded before the rename, which logind may hold up", async () => {
  const { m, deliver, counted, state, login } = host([{ groups: [] }]);
  const { said, outcome } = await deliver(account({ ...anna, state: "left" }));
  expect(outcome).not.toHaveProperty("failed");
  expect(said.indexOf("anna: ended all sessions and processes")).toBeLessThan(
    said.indexOf("anna: renamed account anca to anna"),
  );
  expect(state()).toEqual({ name: "anna", groups: [], processes: 0 });
  expect([login.password, login.expires, counted]).toEqual(["!x", "1", ["anna"]]);
  expect(readOffboarding(m.sys, "anna")).toMatchObject({ groups: ADMIN });
});

test("who is parked under a new name is parked at once, and their smaller limits hold, under the former name", async () => {
  const { m, deliver, state } = host([{ groups: [] }]);
  await deliver(account({ ...anna, groups: ADMIN }));
  expect(peopleBeforeRename(m.sys).map(({ name }) => name)).toEqual(["anca"]);
  const { said, ran, outcome } = await deliver(units({ ...anna, state: "parked" }));
  expect(ran).toContain("/usr/local/sbin/tmux-persist save anca");
  expect(said).toContain("anna: ended all sessions and processes");
  expect(said.join("\n")).toContain("/etc/systemd/system/user-2000.slice.d/50-workstation.conf");
  expect(outcome).toMatchObject({ failed: expect.stringContaining("their account is still called anca") });
  expect(state().processes).toBe(0);
  expect((await deliver(account({ ...anna, groups: ADMIN }))).outcome).not.toHaveProperty("failed");
  expect([state().name, peopleBeforeRename(m.sys)]).toEqual(["anna", []]);
});
