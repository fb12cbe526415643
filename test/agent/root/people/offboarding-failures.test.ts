/** One kind of access that cannot be taken keeps no other one: whatever of an offboarding can be done is done in that run. */
import type { Stats } from "node:fs";
import { afterEach, expect, test, vi } from "vitest";
import { Refusal } from "../../../../agent/lib/errors.ts";
import { converge } from "../../../../agent/lib/converge.ts";
import { reinstateAccount } from "../../../../agent/root/accounts/reinstate.ts";
import { sharedUidFaults } from "../../../../agent/root/accounts/offboard.ts";
import { apply } from "../../../../agent/root/commands/apply-part.ts";
import { loadPeople } from "../../../../agent/root/people/converge-all.ts";
import { finalizeDelivery } from "../../../../agent/root/commands/finalize-delivery.ts";
import { convergePart } from "../../../../agent/root/people/converge-person.ts";
import type { PersonRun } from "../../../../agent/root/people/person-run.ts";
import { partFile, type PersonPart, storePart } from "../../../../agent/root/state/stored-parts.ts";
import { grantedFile } from "../../../../agent/root/state/granted-groups.ts";
import { machineOf } from "../../../../agent/root/system/cached-accounts-and-units.ts";
import type { System } from "../../../../agent/root/system/privileged-operations.ts";
import { account, clones, maps, units } from "../../../e2e/host/parts.ts";
import { memoryDoor } from "../../in-memory-system.ts";

afterEach(() => void vi.restoreAllMocks());

const CRONTAB = "/var/spool/cron/crontabs/emo";
const LINGER = "/var/lib/systemd/linger/emo";

interface Oddities {
  readonly primary?: number;
  /** Lines of `/etc/passwd` in place of the delivered one. */
  readonly passwd?: string;
  /** What this host's ledger holds of emo. */
  readonly ledger?: object;
}

/** A host with the admin emo, who has one process; the named programs fail. */
function hostWith(failing: readonly string[], { primary = 2000, passwd, ledger }: Oddities = {}) {
  const { sys, files } = memoryDoor();
  let running = true;
  const ran: string[] = [];
  files.set("/etc/passwd", passwd ?? `emo:x:2000:${primary}::/home/emo:/bin/zsh\n`);
  files.set("/etc/group", "emo:x:2000:\ndocker:x:999:\nsudo:x:27:emo\n");
  files.set("/etc/shadow", "emo:x:1::::::\n");
  files.set(
    "/var/lib/workstation/ledger.json",
    JSON.stringify({ version: 1, people: { emo: { uid: 2000, adopted: false, ...ledger } } }),
  );
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
  let isDiskFull = false;
  const m = machineOf({
    ...sys,
    run,
    replaceFile: (path, file) => {
      if (isDiskFull && path.startsWith("/var/")) throw new Refusal("ENOSPC: no space left on device");
      sys.replaceFile(path, file);
    },
    move: (from, to) => void files.set(to, "").delete(from),
    look: (path) => (files.has(path) ? ({ isFile: () => true, uid: 0 } as Stats) : undefined),
    list: (path) => (path === "/proc" ? (running ? ["10"] : []) : sys.list(path)),
    readProcess: () => (running ? "Uid:\t2000\t2000\t2000\t2000\nGid:\t999\t999\t999\t999\nGroups:\t \n" : undefined),
  });
  const said: string[] = [];
  const tell = (line: string) => void said.push(line);
  let counted = 0;
  const consume = () => {
    counted += 1;
  };
  const allowance = { consume, consumeGroups: () => undefined };
  const personRun = { m, mode: "apply", info: tell, warn: tell, allowance } as unknown as PersonRun;
  const left = account({ osUser: "emo", uid: 2000, state: "left" });
  const present = account({ osUser: "emo", uid: 2000, groups: ["docker", "sudo"] });
  return {
    offboard: () => convergePart(personRun, left),
    hourly: (part: PersonPart) => convergePart(personRun, part),
    reinstate: () => converge(reinstateAccount(m, present, tell), "apply", tell),
    m,
    files,
    said,
    isRunning: () => running,
    counted: () => counted,
    fillDisk: (full: boolean) => {
      isDiskFull = full;
    },
  };
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
  const { offboard, said, isRunning } = hostWith(["gpasswd --delete emo docker"], { primary: 999 });
  expect(await offboard()).toMatchObject({ changed: expect.any(Number) });
  expect([said.filter((line) => line.includes("group")), isRunning()]).toEqual([
    ["emo: removed from group sudo"],
    false,
  ]);
});

const OTHER =
  "the account emo2 has uid 2000 too, so a login to it is a login of emo; remove it, or run: " +
  "usermod --lock --expiredate 1 emo2";

test.each([
  [
    "set its shell to nologin",
    "emo:x:2000:2000::/home/emo:/usr/sbin/nologin\n",
    "the account's shell is /usr/sbin/nologin, expected /bin/zsh; it stays",
  ],
  [
    "moved its home",
    "emo:x:2000:2000::/srv/old/emo:/bin/zsh\n",
    "the account's home is /srv/old/emo, expected /home/emo; both are left as they are",
  ],
  [
    "made a second account with its uid",
    "emo:x:2000:2000::/home/emo:/bin/zsh\nemo2:x:2000:2000::/home/emo2:/bin/bash\n",
    OTHER,
  ],
])("an account of which somebody %s loses every access, and that is a warning", async (_, passwd, warning) => {
  const { offboard, files, said, isRunning } = hostWith([], { passwd });
  expect(await offboard()).toMatchObject({ changed: expect.any(Number) });
  expect(said).toContain(`emo: warning: ${warning}`);
  expect([files.get("/etc/group"), files.get("/etc/shadow")]).toEqual([
    expect.stringContaining("sudo:x:27:\n"),
    expect.stringContaining("emo:!x:1:::::1:"),
  ]);
  expect([files.has(CRONTAB), files.has(LINGER), isRunning()]).toEqual([false, false, false]);
  said.length = 0;
  expect(await offboard()).toMatchObject({ changed: 0 });
  expect(said).toEqual([]);
});

test("another account with the uid of somebody who left is named until it has expired", () => {
  const { m, files } = hostWith([], { passwd: "emo2:x:2000:2000::/home/emo2:/bin/bash\n" });
  const emo = account({ osUser: "emo", uid: 2000, state: "left" });
  expect(sharedUidFaults(m, emo)).toEqual([OTHER]);
  files.set("/etc/shadow", "emo2:!:1:::::1:\n");
  expect(sharedUidFaults(machineOf(m.sys), emo)).toEqual([]);
});

test.each([
  ["has another uid", { passwd: "emo:x:0:0::/root:/bin/bash\n" }, "uid 0 on this host, but 2000 was delivered"],
  ["is unmanaged", { ledger: { removedOn: "2026-01-01" } }, "exists on this host, but is unmanaged"],
  ["was given another uid here", { ledger: { uid: 2001 } }, "assigns uid 2001 to emo"],
])("an account that %s is never offboarded, and counts for no limit", async (_, odd, why) => {
  const { offboard, files, isRunning, counted } = hostWith([], odd);
  expect(await offboard()).toMatchObject({ failed: expect.stringContaining(why) });
  expect([files.get("/etc/group"), files.has(CRONTAB), isRunning(), counted()]).toEqual([
    expect.stringContaining("sudo:x:27:emo"),
    true,
    true,
    0,
  ]);
});

test("a record that the disk does not take keeps no access, is written later, and returns what was taken", async () => {
  const { offboard, reinstate, fillDisk, files, said, isRunning, counted } = hostWith([]);
  fillDisk(true);
  expect(await offboard()).toMatchObject({ failed: "ENOSPC: no space left on device" });
  expect([files.get("/etc/shadow"), files.get("/etc/group"), isRunning()]).toEqual([
    "emo:!x:1:::::1:\n",
    expect.stringContaining("sudo:x:27:\n"),
    false,
  ]);
  expect(await offboard()).toMatchObject({ failed: "ENOSPC: no space left on device" });
  fillDisk(false);
  expect(await offboard()).toMatchObject({ changed: 1 });
  expect([await offboard(), counted()]).toEqual([expect.objectContaining({ changed: 0 }), 1]);
  said.length = 0;
  await reinstate().catch(() => undefined);
  expect(said).toEqual(expect.arrayContaining(["restored the account's expiry", "added back to group sudo"]));
});

test("a record that is made after the cut, since a restart took the waiting one, does not keep the account expired", async () => {
  const { offboard, reinstate, fillDisk, files, said } = hostWith([]);
  fillDisk(true);
  await offboard();
  for (const path of files.keys()) if (path.startsWith("/run/")) files.delete(path);
  fillDisk(false);
  expect(await offboard()).toMatchObject({ changed: 1 });
  said.length = 0;
  await reinstate().catch(() => undefined);
  expect(said).toContain("restored the account's expiry");
});

const emo = { osUser: "emo", uid: 2000 };
const gone = { ...emo, state: "left" } as const;
const PRESENT = account({ ...emo, groups: ["docker", "sudo"] });
const LEFT = account(gone);

/** A host with what was delivered before emo left, and the maps part that lists them as left. */
function hostBeforeLeaving(failing: readonly string[] = []) {
  const host = hostWith(failing);
  for (const part of [PRESENT, units(emo), maps([gone])]) storePart(host.m.sys, part);
  return host;
}

test.each([
  ["stays full", true],
  ["is freed", false],
])(
  "a leave that a full disk does not take revokes every access, also in the hourly run once it %s",
  async (_, full) => {
    const host = hostBeforeLeaving();
    host.fillDisk(true);
    await expect(apply(host.m.sys, "account", "emo", JSON.stringify(LEFT), undefined)).rejects.toThrow("ENOSPC");
    expect([host.files.get("/etc/shadow"), host.isRunning()]).toEqual(["emo:!x:1:::::1:\n", false]);
    host.fillDisk(full);
    // The parts are missing, so they are delivered again; until then nothing of theirs is converged.
    expect(loadPeople(host.m)).toEqual({ outcomes: [], parts: [] });
  },
);

test("a damaged record of granted groups keeps no part from being delivered, and none of a leave from being revoked", async () => {
  const host = hostBeforeLeaving();
  host.files.set(grantedFile("emo"), "{");
  expect(await apply(host.m.sys, "account", "emo", JSON.stringify(LEFT), undefined)).toBe(0);
  expect([host.files.get("/etc/shadow"), host.isRunning()]).toEqual(["emo:!x:1:::::1:\n", false]);
  const { parts } = loadPeople(host.m);
  const stored = parts.find(({ kind }) => kind === "account") ?? PRESENT;
  expect([stored.state, await host.hourly(stored)]).toEqual(["left", { who: "emo", kind: "account", changed: 0 }]);
});

test("a part of before an offboarding gives nothing back while the maps part lists them as left", async () => {
  const host = hostBeforeLeaving();
  await host.offboard();
  for (const part of [PRESENT, units(emo), clones(emo)]) {
    expect(await host.hourly(part)).toMatchObject({
      failed: expect.stringContaining("emo is present, but they were offboarded on this host, and the maps part lists"),
    });
  }
  expect([host.files.get("/etc/shadow"), host.files.get("/etc/group")]).toEqual([
    "emo:!x:1:::::1:\n",
    expect.stringContaining("sudo:x:27:\n"),
  ]);
});

test("a disk that takes no record of how a run went hides no failure, and the run fails", async () => {
  const host = hostBeforeLeaving(["gpasswd"]);
  const said: string[] = [];
  vi.spyOn(process.stderr, "write").mockImplementation((text) => said.push(String(text)) > 0);
  host.files.set(partFile(clones(gone)), "{");
  const full: System = {
    ...host.m.sys,
    replaceFile: (path, file) => {
      if (/failures|converged/.test(path)) throw new Refusal("ENOSPC: no space left on device");
      host.m.sys.replaceFile(path, file);
    },
  };
  const unrecorded = "how this run went could not be recorded: ENOSPC: no space left on device";
  const failure = "gpasswd --delete emo sudo ended with 1: broken";
  expect(await apply(full, "account", "emo", JSON.stringify(LEFT), undefined)).toBe(1);
  expect(said.join("")).toMatch(new RegExp(`emo: account: .*${failure}[^]*emo: account: ${unrecorded}`));
  said.length = 0;
  expect(await finalizeDelivery(full, 0, undefined, undefined)).toBe(1);
  expect(said.join("")).toMatch(new RegExp(`failed: emo: clones: [^]*${failure}[^]*failed: host: ${unrecorded}`));
});
