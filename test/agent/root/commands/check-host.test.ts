/** What a host finds wrong with itself is in its answer to the question what a run would change: the drift run asks nothing else. */
import type { Stats } from "node:fs";
import { expect, test } from "vitest";
import { Refusal } from "../../../../agent/lib/errors.ts";
import { checkHost } from "../../../../agent/root/commands/check-host.ts";
import { readStatus } from "../../../../agent/root/commands/status.ts";
import { readFailures, recordFailure } from "../../../../agent/root/state/failures.ts";
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

const STATE = "/var/lib/workstation";

test.each([
  ["clones part", `${STATE}/parts/clones.bob.json`, "clones.bob.json is not valid JSON"],
  ["record of an offboarding", `${STATE}/cuts/bob.json`, undefined],
  ["record of a pending remote", `${STATE}/unfinished/bob.json`, undefined],
])("a damaged %s of one person leaves the status of everybody", async (_, path, problem) => {
  const system = hostWith("of-ana.service", { [path]: "{" });
  storePart(system, account({ osUser: "bob", uid: 2001 }));
  const { people } = await readStatus(system);
  expect(people).toMatchObject([{ problems: ["of-ana.service is failed"] }, { osUser: "bob" }]);
  if (problem !== undefined) expect(people[1]?.problems).toContainEqual(expect.stringContaining(problem));
  await checkHost(system, 0, undefined);
});

test("a damaged record of failures is its person's failure until each part is recorded anew, and nobody else's", () => {
  const system = hostWith("", { [`${STATE}/failures/ana.json`]: "{" });
  recordFailure(system, "bob", "account", "it failed");
  const damaged = expect.stringContaining("failures/ana.json was damaged");
  expect(Object.fromEntries(readFailures(system).get("ana") ?? [])).toEqual({
    account: damaged,
    clones: damaged,
    units: damaged,
  });
  for (const kind of ["account", "clones", "units"] as const) recordFailure(system, "ana", kind, undefined);
  expect([...readFailures(system).keys()]).toEqual(["bob"]);
});

test("a shell whose path has a .. is looked at where it leads, and what cannot be looked at is its person's problem", async () => {
  const passwd = (shell: string) => ({ "/etc/passwd": `ana:x:2000:2000::/home/ana:${shell}\n` });
  const problemsWith = async (shell: string, look?: (path: string) => Stats | undefined) => {
    const system = hostWith("of-ana.service", passwd(shell));
    return (await readStatus({ ...system, look: look ?? system.look })).people[0]?.problems.filter(
      (what) => what !== "of-ana.service is failed",
    );
  };
  expect(await problemsWith("/usr/../bin/zsh")).toEqual([]);
  expect(await problemsWith("/usr/../bin/gone")).toEqual([
    expect.stringContaining("shell /usr/../bin/gone is missing"),
  ]);
  const hangs = (path: string) => {
    if (path === "/bin/zsh") throw new Refusal("/bin/zsh does not answer");
    return hostWith("").look(path);
  };
  expect(await problemsWith("/bin/zsh", hangs)).toEqual(["/bin/zsh does not answer"]);
});

test("a directory for new homes other than /etc/skel is named until it holds this program's files", async () => {
  const defaults = { "/etc/default/useradd": "SKEL=/srv/skel\n" };
  const named = expect.stringContaining(
    "new homes are filled from /srv/skel (SKEL in /etc/default/useradd), which lacks",
  );
  expect((await readStatus(hostWith("", defaults))).problems).toContainEqual(named);
  const filled = { ...defaults, "/srv/skel/start-claude.sh": "", "/srv/skel/.tmux.conf": "" };
  for (const more of [filled, {}]) expect((await readStatus(hostWith("", more))).problems).not.toContainEqual(named);
});
