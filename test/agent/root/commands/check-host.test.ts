/** What a host finds wrong with itself is in its answer to the question what a run would change: the drift run asks nothing else. */
import type { Stats } from "node:fs";
import { expect, test } from "vitest";
import { checkHost } from "../../../../agent/root/commands/check-host.ts";
import { readStatus } from "../../../../agent/root/commands/status.ts";
import { storePart } from "../../../../agent/root/state/stored-parts.ts";
import { account, base, units } from "../../../e2e/host/parts.ts";
import { memoryDoor } from "../../in-memory-system.ts";

const ana = { osUser: "ana", uid: 2000, claudeAuth: false };
const LIMITS = "MemoryMax=4294967296\nMemorySwapMax=0\nCPUQuotaPerSecUSec=2s\nTasksMax=512\nSlice=user-2000.slice\n";

/** A host with ana, on which this unit of hers is failed; its own files are of no matter here. */
function hostWith(failed: string, more: Readonly<Record<string, string>> = {}) {
  const { sys, files } = memoryDoor();
  files
    .set("/etc/passwd", "ana:x:2000:2000::/home/ana:/bin/zsh\n")
    .set("/etc/group", "")
    .set("/etc/shadow", "ana:!:1::::::\n");
  files.set("/bin/zsh", "").set("/usr/sbin/visudo", "").set("/usr/sbin/nft", "").set("/var/lib/systemd/linger/ana", "");
  files.set("/var/lib/workstation/ledger.json", '{"version":1,"people":{"ana":{"uid":2000,"adopted":true}}}');
  for (const part of [base({ packages: [] }), account(ana), units(ana)]) storePart(sys, part);
  for (const [path, text] of Object.entries(more)) files.set(path, text);
  const run = async (argv: readonly string[]) => {
    const names = argv.includes("--") ? argv.slice(argv.indexOf("--") + 1) : [];
    const block = (name: string) =>
      argv.some((word) => word.includes("Id,User"))
        ? `Id=${name}\nUser=ana\nSlice=user-2000.slice\n`
        : `LoadState=loaded\nActiveState=active\nUnitFileState=enabled\n${LIMITS}`;
    const stdout = argv[1] === "list-units" ? `${failed} loaded failed failed x\n` : names.map(block).join("\n");
    return { argv, code: 0, stdout, stderr: "", timedOut: false, overflowed: false };
  };
  const home = { isDirectory: () => true, uid: 2000, gid: 2000, mode: 0o40700 } as Stats;
  return { ...sys, run, look: (path: string) => (path === "/home/ana" ? home : sys.look(path)) };
}

test("a failed unit of a person is a failure of theirs, as it is in the status", async () => {
  const system = hostWith("of-ana.service");
  expect((await checkHost(system, 0, undefined)).failures).toContainEqual({
    who: "ana",
    what: "of-ana.service is failed",
  });
  expect((await readStatus(system)).people).toMatchObject([{ osUser: "ana", problems: ["of-ana.service is failed"] }]);
});

test("what a step of the same run says is not said twice", async () => {
  const system = hostWith("", { "/etc/passwd": "" });
  const { failures } = await checkHost({ ...system, look: () => undefined }, 0, undefined);
  expect(failures.filter(({ who }) => who === "ana").map(({ what }) => what)).toEqual([
    expect.stringMatching(/^account: the shell \/bin\/zsh is not installed/),
    expect.stringMatching(/^units: they have no account on this host/),
    "the account ana (uid 2000) is missing on this host; run: workstation reconcile",
  ]);
});

test("a damaged part of one person is theirs, and everybody else is looked at", async () => {
  const system = hostWith("of-ana.service", { "/var/lib/workstation/parts/account.bob.json": "{" });
  expect((await readStatus(system)).people).toMatchObject([
    { osUser: "ana", problems: ["of-ana.service is failed"] },
    { osUser: "bob", problems: [expect.stringContaining("account.bob.json is not valid JSON")] },
  ]);
  expect((await checkHost(system, 0, undefined)).failures.filter(({ who }) => who === "bob")).toEqual([
    {
      who: "bob",
      what: expect.stringContaining("account: /var/lib/workstation/parts/account.bob.json is not valid JSON"),
    },
  ]);
});
