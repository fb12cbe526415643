/** What is wrong with people on a host now, from systemd, the account files and the homes' own entries. */
import type { Stats } from "node:fs";
import { expect, test } from "vitest";
import { problemsOfPeople } from "../../../../agent/root/commands/find-problems.ts";
import { machineOf } from "../../../../agent/root/system/cached-machine.ts";
import { account, units } from "../../../e2e/host/parts.ts";
import { memoryDoor } from "../../in-memory-system.ts";

const ana = { osUser: "ana", uid: 2000 };
const bob = { osUser: "bob", uid: 2001 };
const LIMITS = "MemoryMax=4294967296\nMemorySwapMax=0\nCPUQuotaPerSecUSec=2s\nTasksMax=512\n";
const FAILED = new Map([
  ["t3-serve@ana.service", "User=ana\nSlice=user-2000.slice"],
  ["user@2001.service", "User=2001\nSlice=user-2001.slice"],
  ["of-bob.service", "User=bob\nSlice=system.slice"],
  ["smartd.service", "User=\nSlice=system.slice"],
]);

/** A host with two people, whose failed units are the given ones; `missing` are homes that are not there. */
function hostWith(failed: readonly string[], shadow: string, missing: readonly string[] = []) {
  const { sys, files } = memoryDoor();
  files.set("/etc/passwd", "ana:x:2000:2000::/home/ana:/bin/zsh\nbob:x:2001:2001::/home/bob:/bin/zsh\n");
  files.set("/etc/group", "");
  files.set("/etc/shadow", shadow);
  const run = async (argv: readonly string[]) => {
    const names = argv.slice(argv.indexOf("--") + 1);
    const slice = (unit: string) => (unit.includes("ana") ? "user-2000.slice" : "user-2001.slice");
    const block = (unit: string) =>
      argv.some((word) => word.includes("Id,User"))
        ? `Id=${unit}\n${FAILED.get(unit)}`
        : `Slice=${slice(unit)}\n${LIMITS}`;
    const stdout = argv[1] === "list-units" ? failed.map((unit) => `${unit} loaded failed failed x`) : names.map(block);
    const text = stdout.join(argv[1] === "list-units" ? "\n" : "\n\n");
    return { argv, code: 0, stdout: text, stderr: "", timedOut: false, overflowed: false };
  };
  const look = (path: string) => (missing.includes(path) ? undefined : ({ isDirectory: () => true } as Stats));
  const m = machineOf({ ...sys, run, look });
  const people = [ana, bob].map((of) => ({ osUser: of.osUser, account: account(of), units: units(of) }));
  return { find: async () => Object.fromEntries(await problemsOfPeople(m, people)) };
}
const LOCKED = "ana:!:1::::::\nbob:!:1::::::\n";

test("nobody has a problem on a host where nothing is failed, however systemd answers for other units", async () => {
  expect(await hostWith(["smartd.service"], LOCKED).find()).toEqual({ ana: [], bob: [] });
});

test("failed units are their person's by name, by user and by slice, and nobody else's", async () => {
  expect(await hostWith([...FAILED.keys()], LOCKED).find()).toEqual({
    ana: ["t3-serve@ana.service is failed"],
    bob: ["user@2001.service is failed", "of-bob.service is failed"],
  });
});

test("what PAM refuses and a missing home are that person's", async () => {
  const shadow = "ana:!:1:0:90:7:::\nbob:!:1:::::1:\n";
  expect(await hostWith([], shadow, ["/home/bob"]).find()).toEqual({
    ana: ["the locked password ages, so PAM will refuse their sessions"],
    bob: ["the account has expired, so PAM refuses their sessions", "/home/bob is missing"],
  });
});
