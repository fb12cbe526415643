import { expect, test, vi } from "vitest";
import { accountPart } from "../../../../agent/contract.ts";
import { converge } from "../../../../agent/lib/converge.ts";
import { addGroups, groupsToRemove, revokeGroups } from "../../../../agent/root/accounts/supplementary-groups.ts";
import { readGranted, startGranted } from "../../../../agent/root/state/granted-groups.ts";
import { loadPart, storePart } from "../../../../agent/root/state/stored-parts.ts";
import { machineOf } from "../../../../agent/root/system/cached-accounts-and-units.ts";
import type { System } from "../../../../agent/root/system/privileged-operations.ts";
import { account } from "../../../e2e/host/parts.ts";
import { memoryDoor } from "../../in-memory-system.ts";

const ADMIN = ["code-shared", "docker", "sudo"];
const GIDS: Readonly<Record<string, number>> = { sudo: 27, docker: 999, "code-shared": 1200 };
const emo = (groups: readonly string[]) => account({ osUser: "emo", uid: 2000, groups });

/** A host with the account emo, whose tools change `/etc/group`, and with processes that hold the given groups. */
function host(
  inGroups: readonly string[],
  processes: readonly (readonly string[])[] = [],
  odd: {
    readonly late?: readonly string[];
    readonly immortal?: readonly string[];
    /** Groups that the host lacks. */
    readonly missing?: readonly string[];
    /** Groups that another source than `/etc/group` has. */
    readonly elsewhere?: readonly string[];
  } = {},
) {
  const { sys, files } = memoryDoor();
  let members = new Set(inGroups);
  let { late, immortal } = odd;
  const groups = new Set(ADMIN.filter((group) => !odd.missing?.includes(group)));
  let running = immortal === undefined ? processes : [...processes, immortal];
  const ran: string[] = [];
  const write = () => {
    const lines = [...groups].map((group) => `${group}:x:${GIDS[group]}:${members.has(group) ? "emo" : ""}`);
    files.set("/etc/group", `emo:x:2000:\n${lines.join("\n")}\n`);
  };
  files.set("/etc/passwd", "emo:x:2000:2000::/home/emo:/bin/zsh\n");
  files.set("/etc/shadow", "emo:!:1:::::\n");
  write();
  const run: System["run"] = async (argv) => {
    const group = argv.find((word) => ADMIN.includes(word)) ?? "";
    if (argv[0] === "/usr/sbin/groupadd" && !odd.elsewhere?.includes(group)) groups.add(group);
    if (argv[0] === "/usr/sbin/usermod") members = new Set([...members, group]);
    if (argv[0] === "/usr/bin/gpasswd") {
      members.delete(group);
      if (late !== undefined) running = [...running, late];
      late = undefined;
    }
    if (argv[1] === "stop") running = running.filter((process) => process === immortal);
    if (argv[1] !== "show") ran.push(argv.join(" "));
    write();
    const units = argv[1] === "show" ? argv.slice(argv.indexOf("--") + 1) : [];
    const stdout = units.map((unit) => `ActiveState=${unit.includes("serve@") ? "active" : "inactive"}\n`).join("\n");
    return { argv, code: 0, stdout, stderr: "", timedOut: false, overflowed: false };
  };
  const m = machineOf({
    ...sys,
    run,
    list: (path) => (path === "/proc" ? running.map((_, at) => String(at + 10)) : sys.list(path)),
    readProcess: (pid) => {
      const gids = (running[pid - 10] ?? []).map((group) => GIDS[group]).join(" ");
      return `Uid:\t2000\t2000\t2000\t2000\nGid:\t2000\t2000\t2000\t2000\nGroups:\t${gids} \n`;
    },
  });
  const deliver = async (groups: readonly string[]) => {
    const said: string[] = [];
    startGranted(m, emo(groups));
    storePart(m.sys, emo(groups));
    const part = loadPart(m.sys, "account", "emo") ?? emo(groups);
    const warn = (warning: string) => said.push(`warning: ${warning}`);
    for (const step of [() => revokeGroups(m, part, warn), () => addGroups(m, part, warn)])
      await converge(step(), "apply", (sentence) => said.push(sentence));
    return said;
  };
  const release = () => (immortal = undefined);
  return { m, deliver, ran, release, inNow: () => [...members].sort() };
}

test("a demoted admin loses the groups that this program gave, and the sessions that hold them", async () => {
  const { m, deliver, ran, inNow } = host([], [["docker", "sudo"], []]);
  await deliver(ADMIN);
  expect([inNow(), readGranted(m.sys, "emo")]).toEqual([ADMIN, ADMIN]);
  ran.length = 0;
  expect(await deliver([])).toEqual([
    "removed from group code-shared",
    "removed from group docker",
    "removed from group sudo",
    "ended their sessions and processes, 1 of which held code-shared, docker, sudo",
    "recorded that their tier no longer gives code-shared, docker, sudo",
  ]);
  expect(inNow()).toEqual([]);
  expect(ran.slice(-2)).toEqual([
    "/usr/bin/systemctl stop user@2000.service user-2000.slice",
    "/usr/bin/systemctl start -- t3-serve@emo.service browser-serve@emo.service",
  ]);
  expect(await deliver([])).toEqual([]);
});

test("a group from before or by hand stays and is reported", async () => {
  const { deliver, inNow } = host(["sudo"]);
  await deliver(ADMIN);
  const kept =
    "warning: is in group sudo, which their tier does not give, and this host has no record of having given it, so it " +
    "stays; `gpasswd --delete emo sudo` removes it";
  expect(await deliver([])).toEqual([
    "removed from group code-shared",
    "removed from group docker",
    "recorded that their tier no longer gives code-shared, docker",
    kept,
  ]);
  expect(inNow()).toEqual(["sudo"]);
  expect(await deliver([])).toEqual([kept]);
});

test("on a host of an earlier version the stored part names what the tier gave", async () => {
  const demoted = host(ADMIN);
  storePart(demoted.m.sys, emo(["docker", "sudo"]));
  expect(await demoted.deliver([])).toEqual([
    "removed from group docker",
    "removed from group sudo",
    "recorded that their tier no longer gives docker, sudo",
    expect.stringContaining("warning: is in group code-shared"),
  ]);
  const hourly = host(ADMIN);
  const step = addGroups(hourly.m, emo(ADMIN), () => undefined);
  const said: string[] = [];
  await converge(step, "apply", (sentence) => said.push(sentence));
  expect(said).toEqual(["recorded that this program gave the groups code-shared, docker, sudo"]);
  expect(readGranted(hourly.m.sys, "emo")).toEqual(ADMIN);
});

test("a run that was killed after the group was taken goes on with the sessions", async () => {
  const { m, deliver, ran } = host([], [["docker"]]);
  await deliver(ADMIN);
  await m.sys.run(["/usr/bin/gpasswd", "--delete", "emo", "docker"]);
  ran.length = 0;
  expect(groupsToRemove(m, emo(["code-shared", "sudo"]))).toEqual([]);
  expect(await deliver(["code-shared", "sudo"])).toEqual([
    "ended their sessions and processes, 1 of which held docker",
    "recorded that their tier no longer gives docker",
  ]);
});

test("a process that started with the group while the group was being removed is ended too", async () => {
  const { m, deliver, ran } = host([], [], { late: ["docker"] });
  await deliver(ADMIN);
  ran.length = 0;
  expect(await deliver(["code-shared", "sudo"])).toEqual([
    "removed from group docker",
    "warning: their sessions and processes were ended, because some had started with docker in the meantime",
    "recorded that their tier no longer gives docker",
  ]);
  expect(ran).toContain("/usr/bin/systemctl stop user@2000.service user-2000.slice");
  expect(readGranted(m.sys, "emo")).toEqual(["code-shared", "sudo"]);
});

test("a process that survives with the group fails the run, and the next run tries again", async () => {
  vi.useFakeTimers();
  try {
    const { m, deliver, release } = host([], [], { immortal: ["docker"] });
    await deliver(ADMIN);
    const failed = expect(deliver(["code-shared", "sudo"])).rejects.toThrow(
      "expected no process of emo with docker, which their tier no longer gives, but found 1 that did not end",
    );
    await vi.runAllTimersAsync();
    await failed;
    expect(readGranted(m.sys, "emo")).toEqual(ADMIN);
    release();
    expect(await deliver(["code-shared", "sudo"])).toEqual([
      "ended their sessions and processes, 1 of which held docker",
      "recorded that their tier no longer gives docker",
    ]);
    expect(readGranted(m.sys, "emo")).toEqual(["code-shared", "sudo"]);
  } finally {
    vi.useRealTimers();
  }
});

test("a group that a tier gives and the host lacks is created, and a second run changes nothing", async () => {
  const { deliver, ran, inNow } = host([], [], { missing: ["code-shared", "docker"] });
  expect(await deliver(ADMIN)).toEqual([
    "created group code-shared, which was missing",
    "created group docker, which was missing",
    "added to group code-shared",
    "added to group docker",
    "added to group sudo",
  ]);
  expect(ran.slice(0, 2)).toEqual([
    "/usr/sbin/groupadd --force --system -- code-shared",
    "/usr/sbin/groupadd --force --system -- docker",
  ]);
  expect(inNow()).toEqual(ADMIN);
  ran.length = 0;
  expect(await deliver(ADMIN)).toEqual([]);
  expect(ran).toEqual([]);
});

test("a group that no tier gives is named and never created", async () => {
  const { deliver, ran } = host([]);
  expect(await deliver(["sudo", "kvm"])).toEqual([
    "warning: this host has no group kvm: not added",
    "added to group sudo",
  ]);
  expect(ran).toEqual(["/usr/sbin/usermod --append --groups sudo -- emo"]);
});

test("a group from another source than /etc/group is told apart from one that was created", async () => {
  const { deliver } = host([], [], { missing: ["docker"], elsewhere: ["docker"] });
  await expect(deliver(["docker"])).rejects.toThrow(
    "expected group docker in /etc/group, but found it in another source of /etc/nsswitch.conf alone",
  );
});

test.each(["", "--gid=0", "docker,sudo", "Docker", "a b", "a".repeat(33)])(
  "a part with the malformed group name %j is refused on arrival",
  (group) => {
    const part = { ...emo([]), tierGroups: [group] };
    expect(accountPart.safeParse({ ...part, tierGroups: [], groups: [group] }).success).toBe(false);
    expect(accountPart.safeParse(part).success).toBe(false);
    expect(accountPart.safeParse(emo(ADMIN)).success).toBe(true);
  },
);
