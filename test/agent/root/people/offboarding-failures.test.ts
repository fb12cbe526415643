/** One kind of access that cannot be taken keeps no other one: whatever of an offboarding can be done is done in that run. */
import type { Stats } from "node:fs";
import { expect, test } from "vitest";
import { convergePart } from "../../../../agent/root/people/converge-person.ts";
import type { PersonRun } from "../../../../agent/root/people/person-run.ts";
import { machineOf } from "../../../../agent/root/system/cached-accounts-and-units.ts";
import { account } from "../../../e2e/host/parts.ts";
import { memoryDoor } from "../../in-memory-system.ts";

const CRONTAB = "/var/spool/cron/crontabs/emo";
const LINGER = "/var/lib/systemd/linger/emo";

/** A host with the admin emo, who has one process; the named programs fail. */
function hostWith(failing: readonly string[], primary = 2000) {
  const { sys, files } = memoryDoor();
  let running = true;
  const ran: string[] = [];
  files.set("/etc/passwd", `emo:x:2000:${primary}::/home/emo:/bin/zsh\n`);
  files.set("/etc/group", "emo:x:2000:\ndocker:x:999:\nsudo:x:27:emo\n");
  files.set("/etc/shadow", "emo:x:1::::::\n");
  files.set("/var/lib/workstation/ledger.json", '{"version":1,"people":{"emo":{"uid":2000,"adopted":false}}}');
  files.set(CRONTAB, "").set(LINGER, "");
  const run = async (argv: readonly string[]) => {
    const line = argv.join(" ");
    const isFailing = failing.some((word) => line.includes(word));
    if (!line.includes(" show ")) ran.push(line);
    if (!isFailing && line.includes("gpasswd")) files.set("/etc/group", "emo:x:2000:\ndocker:x:999:\nsudo:x:27:\n");
    if (!isFailing && line.includes("--lock")) files.set("/etc/shadow", "emo:!x:1::::::\n");
    if (!isFailing && line.includes("--expiredate")) files.set("/etc/shadow", "emo:!x:1:::::1:\n");
    if (line.startsWith("/usr/bin/setpriv")) running = false;
    const names = argv.includes("--") ? argv.slice(argv.indexOf("--") + 1) : [];
    const stdout = argv[1] === "show" ? names.map(() => "LoadState=loaded\nActiveState=inactive\n").join("\n") : "";
    return {
      argv,
      code: isFailing ? 1 : 0,
      stdout,
      stderr: isFailing ? "broken" : "",
      timedOut: false,
      overflowed: false,
    };
  };
  const m = machineOf({
    ...sys,
    run,
    move: (from, to) => void files.set(to, "").delete(from),
    look: (path) => (files.has(path) ? ({ isFile: () => true, uid: 0 } as Stats) : undefined),
    list: (path) => (path === "/proc" ? (running ? ["10"] : []) : sys.list(path)),
    readProcess: () => (running ? "Uid:\t2000\t2000\t2000\t2000\nGid:\t999\t999\t999\t999\nGroups:\t \n" : undefined),
  });
  const said: string[] = [];
  const tell = (line: string) => void said.push(line);
  const allowance = { consume: () => undefined, consumeGroups: () => undefined };
  const personRun = { m, mode: "apply", info: tell, warn: tell, allowance } as unknown as PersonRun;
  const left = account({ osUser: "emo", uid: 2000, state: "left" });
  return { offboard: () => convergePart(personRun, left), files, said, isRunning: () => running };
}

test.each([
  ["a group", ["gpasswd"], "/usr/bin/gpasswd --delete emo sudo ended with 1: broken"],
  ["the login", ["usermod"], "/usr/sbin/usermod --lock -- emo ended with 1: broken"],
  ["the units", ["systemctl show"], "systemctl show"],
])(
  "%s that cannot be taken keeps nothing else: jobs are suspended and everything of theirs ends",
  async (_, failing, why) => {
    const { offboard, files, isRunning } = hostWith(failing);
    expect(await offboard()).toMatchObject({ who: "emo", failed: expect.stringContaining(why) });
    expect([files.has(CRONTAB), files.has(LINGER), isRunning()]).toEqual([false, false, false]);
  },
);

test("several failures are all told, each once", async () => {
  expect(await hostWith(["gpasswd", "usermod"]).offboard()).toMatchObject({
    failed:
      "/usr/sbin/usermod --lock -- emo ended with 1: broken; /usr/bin/gpasswd --delete emo sudo ended with 1: broken",
  });
});

test("a tier's group that somebody made their primary one is no membership that could be removed", async () => {
  const { offboard, said, isRunning } = hostWith(["gpasswd --delete emo docker"], 999);
  expect(await offboard()).toMatchObject({ changed: expect.any(Number) });
  expect([said.filter((line) => line.includes("group")), isRunning()]).toEqual([
    ["emo: removed from group sudo"],
    false,
  ]);
});
