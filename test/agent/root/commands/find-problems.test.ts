/** What is wrong with people on a host now, from systemd, the account files and the homes' own entries. */
import type { Stats } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Part } from "../../../../agent/contract.ts";
import { type Delivered, problemsOfHost, problemsOfPeople } from "../../../../agent/root/commands/find-problems.ts";
import { storePart } from "../../../../agent/root/state/stored-parts.ts";
import { machineOf } from "../../../../agent/root/system/cached-accounts-and-units.ts";
import { account, base, maps, units } from "../../../e2e/host/parts.ts";
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
function hostWith(
  failed: readonly string[],
  shadow: string,
  missing: readonly string[] = [],
  owners: Readonly<Record<string, number>> = {},
  group = "",
) {
  const { sys, files } = memoryDoor();
  files.set("/etc/passwd", "ana:x:2000:2000::/home/ana:/bin/zsh\nbob:x:2001:2001::/home/bob:/bin/zsh\n");
  files.set("/etc/group", group);
  files.set("/etc/shadow", shadow);
  const run = async (argv: readonly string[]) => {
    const names = argv.slice(argv.indexOf("--") + 1);
    const slice = (unit: string) => (/ana|2000/.test(unit) ? "user-2000.slice" : "user-2001.slice");
    const block = (unit: string) =>
      argv.some((word) => word.includes("Id,User"))
        ? `Id=${unit}\n${FAILED.get(unit)}`
        : `Slice=${slice(unit)}\n${LIMITS}`;
    const stdout = argv[1] === "list-units" ? failed.map((unit) => `${unit} loaded failed failed x`) : names.map(block);
    const text = stdout.join(argv[1] === "list-units" ? "\n" : "\n\n");
    return { argv, code: 0, stdout: text, stderr: "", timedOut: false, overflowed: false };
  };
  const look = (path: string) =>
    missing.includes(path) || (path.startsWith("/var/lib/workstation/") && !files.has(path)) || path.startsWith("/run/")
      ? undefined
      : ({ isDirectory: () => true, uid: owners[path] ?? (path.endsWith("ana") ? 2000 : 2001) } as Stats);
  const m = machineOf({ ...sys, run, look });
  const both: readonly Delivered[] = [ana, bob].map((of) => ({
    osUser: of.osUser,
    account: account(of),
    units: units(of),
    damaged: [],
  }));
  return {
    files,
    find: async (people = both, more: Readonly<Record<string, object>> = {}) => {
      for (const [path, value] of Object.entries(more)) files.set(path, JSON.stringify(value));
      return Object.fromEntries(await problemsOfPeople(m, people));
    },
  };
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

test("an account that is gone is its person's problem, parked or not, and nobody's who was offboarded or waits for a rename", async () => {
  const delivered = [
    account({ osUser: "cleo", uid: 2002 }),
    account({ osUser: "dan", uid: 2003, state: "parked" }),
    account({ osUser: "eva", uid: 2004, state: "left" }),
    account({ osUser: "fay", uid: 2001, formerNames: ["bob"] }),
  ].map((part) => ({ osUser: part.osUser, account: part, units: undefined, damaged: [] }));
  const ledger = { version: 1, people: { bob: { uid: 2001, adopted: false } } };
  expect(await hostWith([], LOCKED).find(delivered, { "/var/lib/workstation/ledger.json": ledger })).toEqual({
    cleo: ["the account cleo (uid 2002) is missing on this host; run: workstation reconcile"],
    dan: ["the account dan (uid 2003) is missing on this host; run: workstation reconcile"],
    eva: [],
    fay: [],
  });
});

test("a home that somebody else owns is its person's problem: an empty mount point belongs to root", async () => {
  const owners = { "/home/ana": 0, "/home/bob": 2000 };
  expect(await hostWith([], LOCKED, [], owners).find()).toEqual({
    ana: ["/home/ana belongs to root"],
    bob: ["/home/bob belongs to uid 2000"],
  });
});

test("a missing shell, a missing line in /etc/shadow and a tier's group as the primary one are that person's", async () => {
  const host = hostWith([], "bob:!:1::::::\n", ["/bin/zsh"], {}, "docker:x:2001:\n");
  expect(await host.find()).toEqual({
    ana: [
      "the account has no line in /etc/shadow, so PAM refuses their sessions; to add it, run: pwconv",
      "their shell /bin/zsh is missing, so no session of theirs starts; install it",
    ],
    bob: [
      "their shell /bin/zsh is missing, so no session of theirs starts; install it",
      "their primary group is docker, which their tier does not give and no run removes; once nothing of theirs runs, run: usermod --gid bob bob",
    ],
  });
});

test("a password that has expired is named where the account has kept it, and one that has not is no problem", async () => {
  const yesterday = Math.floor(Date.now() / 86_400_000) - 1;
  expect(await hostWith([], `ana:$6$x:1:0:90:7:::\nbob:$6$x:${yesterday}:0:90:7:::\n`).find()).toEqual({
    ana: ["the password has expired, so PAM refuses their service manager until they set a new one"],
    bob: [],
  });
});

describe("the host itself", () => {
  /** Its problems where these units are in another state than `active`. */
  async function problems(
    parts: readonly Part[],
    states: Readonly<Record<string, string>> = {},
    lastRun = "exit-code",
    more: readonly string[] = [],
  ) {
    const result = (name: string) => (name === "workstation-reconcile.service" ? `Result=${lastRun}\n` : "");
    const { sys, files } = memoryDoor();
    for (const part of parts) storePart(sys, part);
    for (const path of more) files.set(path, "");
    if (parts.some(({ kind }) => kind === "maps")) files.delete("/etc/workstation/ports.nft");
    const run = async (argv: readonly string[]) => {
      const names = argv.slice(argv.indexOf("--") + 1);
      const stdout = names
        .map((name) => `LoadState=loaded\nActiveState=${states[name] ?? "active"}\n${result(name)}`)
        .join("\n");
      return { argv, code: 0, stdout, stderr: "", timedOut: false, overflowed: false };
    };
    return problemsOfHost(machineOf({ ...sys, run }));
  }
  const listen = { socket: "/run/frontend/socket" };
  const withFrontends = base({ gate: { listen }, lobby: { listen, origin: "https://portal.example.org" } });

  test("has no problem before its first delivery, or while its units run", async () => {
    expect([await problems([]), await problems([withFrontends])]).toEqual([[], []]);
  });

  test("names each unit of its own that does not run, and no frontend service that it does not have", async () => {
    const states = {
      "workstation-ports-watch.service": "failed",
      "workstation-reconcile.timer": "inactive",
      "workstation-gate.service": "restarting",
    };
    const [timer, watch] = ["workstation-reconcile.timer is inactive", "workstation-ports-watch.service is failed"];
    expect(await problems([withFrontends], states)).toEqual(
      [timer, watch, "workstation-gate.service is restarting"].map((what) => `${what}; run: workstation reconcile`),
    );
    expect(await problems([base()], states)).toHaveLength(2);
  });

  test.each(["timeout", "oom-kill", "signal"])(
    "names an hourly run that ended by %s, and recorded nothing",
    async (how) => {
      expect(await problems([base()], {}, how)).toEqual([
        `the last hourly run did not end by itself (workstation-reconcile.service: ${how}), so it recorded nothing; run: workstation reconcile`,
      ]);
    },
  );

  test("names a file of somebody's maintenance that keeps everybody out", async () => {
    expect(await problems([base()], {}, "success", ["/etc/nologin"])).toEqual([
      "/etc/nologin exists, so PAM lets nobody but root log in; remove it",
    ]);
  });

  test("names a packet filter whose file is gone", async () => {
    expect(await problems([maps([])])).toEqual(["/etc/workstation/ports.nft is missing; run: workstation reconcile"]);
  });
});

test("another account with the uid of somebody who left is a problem, whether theirs is still there or not", async () => {
  const { find, files } = hostWith([], "");
  const second = "cid:x:2001:2001::/home/cid:/bin/bash\n";
  const gone = { osUser: "bob", account: account({ ...bob, state: "left" }), units: undefined, damaged: [] };
  for (const bobs of ["bob:x:2001:2001::/home/bob:/bin/zsh\n", ""]) {
    files.set("/etc/passwd", bobs + second);
    expect((await find([gone])).bob).toEqual([
      expect.stringContaining("the account cid has uid 2001 too, so a login to it is a login of bob"),
    ]);
  }
});
