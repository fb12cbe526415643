/** Processes under subordinate uids, which `newuidmap` gives an account: whose they are, and that they end with its access. */

import { describe, expect, test } from "vitest";
import { converge } from "../../../../agent/lib/converge.ts";
import { offboardAccount } from "../../../../agent/root/accounts/offboard.ts";
import { addGroups, revokeGroups } from "../../../../agent/root/accounts/supplementary-groups.ts";
import { startGranted } from "../../../../agent/root/state/granted-groups.ts";
import { storePart } from "../../../../agent/root/state/stored-parts.ts";
import { machineOf } from "../../../../agent/root/system/cached-accounts-and-units.ts";
import type { System } from "../../../../agent/root/system/privileged-operations.ts";
import { account } from "../../../e2e/host/parts.ts";
import { memoryDoor } from "../../in-memory-system.ts";

interface Process {
  readonly uid: number;
  readonly groups?: readonly number[];
}

/** A host with the accounts emo and anca. Stopping a slice ends nothing of these processes, which cron has started. */
function host(subuid: string | undefined, processes: readonly Process[], isStopRefused = false) {
  const { sys, files } = memoryDoor();
  let running = processes.map((process, at) => ({ ...process, pid: at + 10 }));
  const signalled: (readonly number[])[] = [];
  const helpers: string[] = [];
  let inDocker = false;
  const write = () => files.set("/etc/group", `emo:x:2000:\nanca:x:2001:\ndocker:x:999:${inDocker ? "emo" : ""}\n`);
  files.set(
    "/etc/passwd",
    "root:x:0:0::/root:/bin/sh\nemo:x:2000:2000::/home/emo:/bin/zsh\nanca:x:2001:2001::/home/anca:/bin/zsh\n",
  );
  files.set("/etc/shadow", "emo:!:1:::::1:\nanca:!:1:::::\n");
  files.set("/var/lib/workstation/cuts/emo.json", '{"locked":true,"groups":[]}');
  if (subuid !== undefined) files.set("/etc/subuid", subuid);
  write();
  const run: System["run"] = async (argv) => {
    const [program] = argv;
    if (program === "/usr/sbin/usermod") inDocker = argv.includes("--append");
    if (program === "/usr/bin/gpasswd") inDocker = false;
    if (program === "/usr/bin/setpriv") {
      const uids = argv.slice(argv.lastIndexOf("--") + 1).map(Number);
      helpers.push(argv.slice(0, argv.indexOf("-e")).join(" "));
      signalled.push(uids);
      running = running.filter((process) => !uids.includes(process.uid));
    }
    write();
    // What does not stop is waited for until the deadline.
    if (argv[1] === "stop" && isStopRefused && running.some(({ uid }) => uid !== 2001))
      return { argv, code: undefined, stdout: "", stderr: "", timedOut: true, overflowed: false };
    const blocks = argv.slice(argv.indexOf("--") + 1).map(() => "LoadState=loaded\nActiveState=inactive\n");
    const stdout = argv[1] === "show" ? blocks.join("\n") : "";
    return { argv, code: 0, stdout, stderr: "", timedOut: false, overflowed: false };
  };
  const m = machineOf({
    ...sys,
    run,
    list: (path) => (path === "/proc" ? running.map(({ pid }) => String(pid)) : sys.list(path)),
    readProcess: (pid) => {
      const found = running.find((process) => process.pid === pid);
      if (found === undefined) return undefined;
      const ids = `${found.uid}\t${found.uid}\t${found.uid}\t${found.uid}`;
      return `Uid:\t${ids}\nGid:\t${ids}\nGroups:\t${(found.groups ?? []).join(" ")} \n`;
    },
  });
  const said: string[] = [];
  const tell = (sentence: string) => void said.push(sentence);
  return { m, said, tell, signalled, helpers, left: () => running.map(({ uid }) => uid) };
}

const emo = account({ osUser: "emo", uid: 2000, groups: [], state: "left" });

async function offboarded(subuid: string | undefined, uids: readonly number[], isStopRefused = false) {
  const of = host(
    subuid,
    uids.map((uid) => ({ uid })),
    isStopRefused,
  );
  for (const step of offboardAccount(of.m, emo)) await converge(step, "apply", of.tell);
  return { said: of.said, left: of.left(), signalled: of.signalled, helpers: of.helpers };
}

describe("offboarding", () => {
  test("ends the processes under the person's uid and subordinate uids", async () => {
    expect(await offboarded("anca:100000:65536\nemo:165536:65536\n", [165_536, 170_000, 2001, 100_000])).toMatchObject({
      said: ["ended all sessions and processes"],
      left: [2001, 100_000],
      signalled: [[2000, 165_536, 170_000]],
    });
  });

  test("sends the signals from a process of an unused uid with no capability but CAP_SETUID", async () => {
    expect((await offboarded("emo:165536:65536\n", [2000])).helpers).toEqual([
      "/usr/bin/setpriv --reuid 65520 --regid 65520 --clear-groups --no-new-privs --reset-env --inh-caps=-all,+setuid " +
        "--ambient-caps=-all,+setuid -- /usr/bin/perl",
    ]);
  });

  test("takes no uid for that process that somebody has a process or a subordinate range of", async () => {
    const { helpers, left } = await offboarded("anca:65521:2\n", [2000, 65_520]);
    expect(helpers.map((argv) => argv.split(" ")[2])).toEqual(["65523"]);
    expect(left).toEqual([65_520]);
  });

  test("refuses where all uids for that process are in use", async () => {
    await expect(offboarded("anca:65520:14\n", [2000])).rejects.toThrow(
      "expected an unused uid from 65520 to 65533, which ending a user's processes needs, but all of them have an account, " +
        "a range in /etc/subuid or a process; free one of them",
    );
  });

  test("cuts the login before anything is stopped, since a service may refuse to stop", () => {
    expect(offboardAccount(host(undefined, []).m, emo).map(({ name }) => name)).toEqual([
      ...["cut", "cut", "cut", "cut", "units", "processes"],
    ]);
  });

  test("ends the processes where a unit of the person's own refuses to stop", async () => {
    expect(await offboarded(undefined, [2000, 2001], true)).toMatchObject({
      said: ["ended all sessions and processes"],
      left: [2001],
    });
  });

  test("finds a range that is listed by the account's uid", async () => {
    expect((await offboarded("2000:165536:10\n", [165_545, 165_546])).left).toEqual([165_546]);
  });

  test.each([
    ["a range that another account has too", "emo:100000:65536\nanca:100000:65536\n", 100_005],
    ["the uid of an account", "emo:2001:1\n", 2001],
    ["root's uid", "emo:0:1\n", 0],
    ["a line that is no range", "emo:100000:many\n", 100_000],
  ])("ends nothing under %s", async (_, subuid, uid) => {
    expect(await offboarded(subuid, [uid])).toMatchObject({ said: [], left: [uid], signalled: [] });
  });

  test("needs no /etc/subuid", async () => {
    expect((await offboarded(undefined, [165_536])).left).toEqual([165_536]);
  });
});

test("a demotion ends a process under a subordinate uid that still holds the group", async () => {
  const of = host("emo:165536:65536\n", [{ uid: 165_536, groups: [999] }]);
  const deliver = async (groups: readonly string[]) => {
    const part = account({ osUser: "emo", uid: 2000, groups });
    startGranted(of.m, part);
    storePart(of.m.sys, part);
    for (const step of [() => revokeGroups(of.m, part, of.tell), () => addGroups(of.m, part, of.tell)])
      await converge(step(), "apply", of.tell);
  };
  await deliver(["docker"]);
  await deliver([]);
  expect(of.said).toContain("ended their sessions and processes, 1 of which held docker");
  expect(of.left()).toEqual([]);
});
