/** What a host reports of itself: also what failed in the last run and cannot be seen any more. */
import type { Stats } from "node:fs";
import { expect, test } from "vitest";
import { readStatus } from "../../../../agent/root/commands/status.ts";
import { convergeHost } from "../../../../agent/root/host/converge-host.ts";
import { storePart } from "../../../../agent/root/state/stored-parts.ts";
import { machineOf } from "../../../../agent/root/system/cached-accounts-and-units.ts";
import { account, base, maps, units } from "../../../e2e/host/parts.ts";
import { memoryDoor } from "../../in-memory-system.ts";

const ana = { osUser: "ana", uid: 2000 };
const RECORD = "/var/lib/workstation/host-failures.json";

/** A host with these accounts on which every command succeeds but `nft`, while that is broken. */
function hostWith(accounts: string) {
  const { sys, files } = memoryDoor();
  for (const [path, text] of [
    ["/etc/passwd", accounts],
    ["/etc/group", ""],
    ["/etc/shadow", ""],
  ] as const)
    files.set(path, text);
  const nft = { code: 1 };
  const run = async (argv: readonly string[]) => {
    const names = argv.includes("--") ? argv.slice(argv.indexOf("--") + 1) : [];
    const isShow = argv[1] === "show";
    const stdout = isShow ? names.map(() => "LoadState=loaded\nActiveState=active\n").join("\n") : "";
    const code = argv[0] === "/usr/sbin/nft" ? nft.code : 0;
    return { argv, code, stdout, stderr: code === 0 ? "" : "no nf_tables", timedOut: false, overflowed: false };
  };
  const look = (path: string) =>
    files.has(path) ? ({ isFile: () => true, mode: 0o600, uid: 0, gid: 0 } as Stats) : undefined;
  const system = { ...sys, run, look };
  return { system, m: machineOf(system), nft, files };
}

test("a step of the host that failed in the last run is reported until a run in which it does not fail", async () => {
  const { system, m, nft, files } = hostWith("");
  const failures = async () => (await readStatus(system)).failures;
  const apply = () => convergeHost(m, maps([], { files: [] }), "apply", () => undefined);
  expect((await apply()).failed).toEqual([expect.stringContaining("/usr/sbin/nft -f")]);
  expect(await failures()).toEqual([expect.stringContaining("/usr/sbin/nft -f")]);
  // A run that only looks leaves it as it is.
  await convergeHost(m, maps([], { files: [] }), "check", () => undefined);
  expect(await failures()).toHaveLength(1);
  nft.code = 0;
  await apply();
  expect([await failures(), files.has(RECORD)]).toEqual([[], false]);
});

test("an account that was delivered and is gone is a problem by name, and not only a word in a column", async () => {
  const { system, m } = hostWith("");
  for (const part of [base(), account(ana), units(ana)]) storePart(m.sys, part);
  expect((await readStatus(system)).people).toMatchObject([
    {
      osUser: "ana",
      account: "missing",
      problems: ["the account ana (uid 2000) is missing on this host; run: workstation reconcile"],
    },
  ]);
});
