/** What a lower tier takes is taken first, whatever else is wrong with the account or its home. */
import type { Stats } from "node:fs";
import { expect, test } from "vitest";
import { Refusal } from "../../../../agent/lib/errors.ts";
import { convergePart } from "../../../../agent/root/people/converge-person.ts";
import type { PersonRun } from "../../../../agent/root/people/person-run.ts";
import { machineOf } from "../../../../agent/root/system/cached-accounts-and-units.ts";
import { account } from "../../../e2e/host/parts.ts";
import { memoryDoor } from "../../in-memory-system.ts";

const ZSH = "emo:x:2000:2000::/home/emo:/bin/zsh\n";
const HOME = { isDirectory: () => true, uid: 2000, gid: 2000, mode: 0o40700 } as Stats;

/** A host with emo, to whom this program gave sudo and docker, and who has a process that holds both. */
function host(home: () => Stats | undefined, passwd = ZSH, uidOfLedger = 2000) {
  const { sys, files } = memoryDoor();
  let running = true;
  files.set("/etc/passwd", passwd).set("/etc/shadow", "emo:!:1:0:99999:7:::\n");
  files.set("/etc/group", "emo:x:2000:\ndocker:x:999:emo\nsudo:x:27:emo\n");
  const people = { emo: { uid: uidOfLedger, adopted: false } };
  files.set("/var/lib/workstation/ledger.json", JSON.stringify({ version: 1, people }));
  files.set("/var/lib/workstation/granted-groups/emo.json", '{"groups":["docker","sudo"]}');
  files.set("/var/lib/systemd/linger/emo", "");
  const run = async (argv: readonly string[]) => {
    const group = argv[0]?.endsWith("gpasswd") ? argv.at(-1) : undefined;
    const before = files.get("/etc/group") ?? "";
    if (group !== undefined) files.set("/etc/group", before.replace(new RegExp(`(${group}:x:\\d+:)emo`), "$1"));
    if (argv[0]?.endsWith("setpriv")) running = false;
    const names = argv.includes("--") ? argv.slice(argv.indexOf("--") + 1) : [];
    const stdout = argv[1] === "show" ? names.map(() => "LoadState=loaded\nActiveState=active").join("\n\n") : "";
    return { argv, code: 0, stdout, stderr: "", timedOut: false, overflowed: false };
  };
  const m = machineOf({
    ...sys,
    run,
    look: (path) => (path === "/home/emo" ? home() : sys.look(path)),
    list: (path) => (path === "/proc" ? (running ? ["10"] : []) : sys.list(path)),
    readProcess: () =>
      running ? "Uid:\t2000\t2000\t2000\t2000\nGid:\t2000\t2000\t2000\t2000\nGroups:\t27 999\n" : undefined,
  });
  const allowed = { is: true };
  const consumeGroups = () => {
    if (!allowed.is) throw new Refusal("addsOnly suspends every removal");
  };
  const said: string[] = [];
  const tell = (line: string) => void said.push(line);
  const allowance = { consume: () => undefined, consumeGroups };
  const deliver = (mode: "apply" | "check", groups: readonly string[] = []) =>
    convergePart(
      { m, mode, info: tell, warn: tell, allowance } as unknown as PersonRun,
      account({ osUser: "emo", uid: 2000, groups }),
    );
  return { deliver, said, allowed, groups: () => files.get("/etc/group"), isRunning: () => running };
}

const hangs = () => {
  throw new Refusal("/home/emo is on a file system that does not answer");
};

test.each<[string, () => Stats | undefined, string, string]>([
  ["whose home is missing", () => undefined, ZSH, "/home/emo is missing"],
  ["whose home does not answer", hangs, ZSH, "does not answer"],
  ["whose home is another's", () => ({ ...HOME, uid: 1234 }) as Stats, ZSH, "belongs to uid 1234"],
  ["whose shell is nologin", () => HOME, ZSH.replace("/bin/zsh", "/usr/sbin/nologin"), "the account's shell is"],
  ["whose home was moved", () => HOME, ZSH.replace("/home/emo", "/srv/emo"), "the account's home is /srv/emo"],
])("an admin %s loses the groups of the tier, and the sessions that hold them", async (_, home, passwd, why) => {
  const { deliver, groups, isRunning } = host(home, passwd);
  expect(await deliver("apply")).toMatchObject({ failed: expect.stringContaining(why) });
  expect([groups(), isRunning()]).toEqual(["emo:x:2000:\ndocker:x:999:\nsudo:x:27:\n", false]);
});

test("an account that is not the delivered one keeps its groups", async () => {
  const { deliver, groups } = host(() => HOME, ZSH, 2001);
  expect(await deliver("apply")).toMatchObject({ failed: expect.stringContaining("assigns uid 2001 to emo") });
  expect(groups()).toContain("sudo:x:27:emo");
});

test("a demotion that is not allowed now keeps nothing else from being converged, and a dry run reports each group once", async () => {
  const { deliver, allowed, said, groups } = host(() => ({ ...HOME, mode: 0o40755 }) as Stats);
  expect(await deliver("check")).toMatchObject({ changed: 5 });
  expect(said.filter((line) => line.includes("from group"))).toHaveLength(2);
  [allowed.is, said.length] = [false, 0];
  expect(await deliver("check")).toMatchObject({ failed: "addsOnly suspends every removal" });
  expect(said).toEqual(["emo: would set /home/emo to mode 0700"]);
  expect(groups()).toContain("sudo:x:27:emo");
});
