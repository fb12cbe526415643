/** A home that is missing: made once with its account, and never again in the place of one that is not mounted. */
import type { Stats } from "node:fs";
import { basename } from "node:path";
import { expect, test } from "vitest";
import { createAccount } from "../../../../agent/root/accounts/create.ts";
import { verifyOwnership } from "../../../../agent/root/accounts/verify-ownership.ts";
import type { Machine } from "../../../../agent/root/system/cached-accounts-and-units.ts";
import { parseAccounts } from "../../../../agent/root/system/account-database.ts";
import { account } from "../../../e2e/host/parts.ts";
import { memoryDoor } from "../../in-memory-system.ts";

const ana = account({ osUser: "ana", uid: 2000 });
const CONVERGED = "/var/lib/workstation/converged.json";
const LEDGER = "/var/lib/workstation/ledger.json";
const PENDING = "/var/lib/workstation/pending-homes/2000.json";
const ledgerOf = (entry: Readonly<Record<string, unknown>>) => ({
  [LEDGER]: { version: 1, people: { ana: { uid: 2000, adopted: false, ...entry } } },
});
const EARLIER = ledgerOf({});
const ADOPTED = ledgerOf({ adopted: true });

/** A host with the account `ana`, unless told otherwise; `home` is what lies at `/home/ana`. */
function hostWith(home: Partial<Stats> | undefined, files: Readonly<Record<string, unknown>>, hasAccount = true) {
  const door = memoryDoor();
  const made: string[] = [];
  const copy = { code: 0 };
  let there = home;
  door.files.set("/bin/zsh", "").set("/etc/skel", "");
  for (const [path, value] of Object.entries(files)) door.files.set(path, JSON.stringify(value));
  const sys = {
    ...door.sys,
    look: (path: string) => (path === "/home/ana" ? (there as Stats) : door.sys.look(path)),
    makeHome: () => {
      made.push("home");
      there = directory(2000);
    },
    run: async (argv: readonly string[]) => {
      made.push(basename(argv[0] ?? ""));
      const code = argv[0] === "/bin/bash" ? copy.code : 0;
      return { argv, code, stdout: "", stderr: "", timedOut: false, overflowed: false };
    },
  };
  const accounts = hasAccount
    ? parseAccounts("ana:x:2000:2000::/home/ana:/bin/zsh\n", "ana:x:2000:\n", "ana:!:1::::::\n")
    : parseAccounts("", "", "");
  const m: Machine = { sys, accounts: () => accounts, units: async () => new Map() };
  return { m, files: door.files, made, copy };
}
const differences = async (m: Machine, part = ana) =>
  (await createAccount(m, part).differences()).map(({ says }) => says.would);
const directory = (uid: number) => ({ isDirectory: () => true, uid, mode: 0o40700 });

test.each([
  ["is missing", undefined],
  ["belongs to root", directory(0)],
])("a home that was converged before and %s is that person's problem, not a fresh start", async (found, home) => {
  const { m } = hostWith(home, { [CONVERGED]: { ana: { account: "0123" } } });
  await expect(differences(m)).rejects.toThrow(
    `/home/ana ${found}, but ana had a home here before; nothing was created in its place. Mount or restore it; ` +
      "to start with an empty home, run: install -d -o ana -g ana -m 0700 /home/ana",
  );
});

test("so is one that was converged under the person's former name", async () => {
  const { m } = hostWith(undefined, { [CONVERGED]: { anca: { account: "0123" } } });
  await expect(differences(m, { ...ana, formerNames: ["anca"] })).rejects.toThrow("ana had a home here before");
});

test("a damaged record of it is no permission to start afresh", async () => {
  const { m, files } = hostWith(undefined, {});
  files.set(CONVERGED, "{");
  await expect(differences(m)).rejects.toThrow("converged.json is not valid JSON");
});

const BY_HAND =
  "groupadd --gid 2000 ana && useradd --uid 2000 --gid 2000 --create-home --key HOME_MODE=0700 --home-dir /home/ana --shell /bin/zsh ana";

test.each([
  ["was converged before", { ...EARLIER, [CONVERGED]: { ana: { account: "0123" } } }, "ana had a home here before"],
  ["was adopted", ADOPTED, "ana may have had a home here before (the account was adopted)"],
  ["never converged", EARLIER, "ana may have had a home here before (an earlier run recorded the account)"],
])("an account that is missing together with its home and %s is not made anew", async (_, files, why) => {
  const { m } = hostWith(undefined, files, false);
  await expect(differences(m)).rejects.toThrow(
    `the account ana and /home/ana are missing, but ${why}; nothing was created in its place. Mount or restore it; ` +
      `to start with an empty home, run: ${BY_HAND}`,
  );
});

test.each([
  ["is missing", undefined],
  ["belongs to root", directory(0)],
])(
  "neither is the home of an account that an earlier run recorded and none converged, when it %s",
  async (found, home) => {
    const { m } = hostWith(home, EARLIER);
    await expect(differences(m)).rejects.toThrow(
      `/home/ana ${found}, but ana may have had a home here before (an earlier run recorded the account)`,
    );
  },
);

test("the first run of an adopted account makes no home, whatever is recorded of a former one", async () => {
  const { m, files } = hostWith(undefined, { [CONVERGED]: { ana: { account: "0123" } }, [PENDING]: { uid: 2000 } });
  for (const change of await verifyOwnership(m, { ...ana, adopt: true }).differences()) await change.apply();
  expect(JSON.parse(files.get(LEDGER) ?? "").people.ana).toEqual({ uid: 2000, adopted: true });
  expect(files.has(PENDING)).toBe(false);
  await expect(differences(m)).rejects.toThrow("ana may have had a home here before (the account was adopted)");
});

test.each([
  ["nobody of that name was here", {}],
  [
    "the former one was removed for good",
    { ...ledgerOf({ removedOn: "2026-01-01" }), [CONVERGED]: { ana: { account: "0" }, anca: { account: "0" } } },
  ],
])("an account is made with its home where %s, also by a run after one that was killed", async (_, files) => {
  const renamed = { ...ana, formerNames: ["anca"] };
  const before = hostWith(undefined, files, false);
  for (const change of await verifyOwnership(before.m, renamed).differences()) await change.apply();
  expect(await differences(before.m, renamed)).toEqual(["would create the account (uid 2000)"]);
  const left = Object.fromEntries([...before.files].filter(([path]) => path.endsWith(".json")));
  const killed = Object.fromEntries(Object.entries(left).map(([path, text]) => [path, JSON.parse(text)]));
  expect(await verifyOwnership(before.m, renamed).differences()).toEqual([]);
  for (const home of [undefined, directory(0)])
    expect(await differences(hostWith(home, killed).m)).toEqual(["would create /home/ana, which was missing"]);
  expect(await differences(hostWith(directory(2000), killed).m)).toEqual([
    "would complete /home/ana, which an earlier run began",
  ]);
});

test.each([
  ["its account is made", undefined, false],
  ["it is made", undefined, true],
  ["it is seen", directory(2000), true],
])("a home is never made again once %s", async (_, home, hasAccount) => {
  const { m, files } = hostWith(home, { ...EARLIER, [PENDING]: { uid: 2000 } }, hasAccount);
  for (const change of await createAccount(m, ana).differences()) await change.apply();
  expect([...files.keys()].filter((path) => path.endsWith(".json"))).toEqual([LEDGER]);
  await expect(differences(hostWith(undefined, EARLIER).m)).rejects.toThrow("may have had a home here before");
});

test.each([
  ["its account is made", undefined, false, ["groupadd", "useradd", "home", "bash"]],
  ["it is made", undefined, true, ["home", "bash"]],
  ["it is finished", directory(2000), true, ["bash"]],
])(
  "a home whose copy fails after %s stays pending, so that the next run fills it",
  async (_, home, hasAccount, steps) => {
    const { m, files, made, copy } = hostWith(home, { ...EARLIER, [PENDING]: { uid: 2000 } }, hasAccount);
    const apply = async () => {
      for (const change of await createAccount(m, ana).differences()) await change.apply();
    };
    copy.code = 2;
    await expect(apply()).rejects.toThrow("/home/ana could not be filled: the copy of /etc/skel ended with 2");
    expect([made, files.has(PENDING)]).toEqual([steps, true]);
  },
);

test("nothing is added to a home that was given to its person, whatever record is left", async () => {
  const { m, files, made } = hostWith(directory(2000), {
    ...EARLIER,
    [PENDING]: { uid: 2000 },
    [CONVERGED]: { ana: { account: "0123" } },
  });
  for (const change of await createAccount(m, ana).differences()) await change.apply();
  expect([made, files.has(PENDING)]).toEqual([[], false]);
});

test("a kept home of an account that is gone is refused with its uid and the delivered one", async () => {
  const found = (home: Partial<Stats>) => differences(hostWith(home, EARLIER, false).m);
  await expect(found(directory(2007))).rejects.toThrow(
    "/home/ana exists, but the account ana does not: the directory belongs to uid 2007, and uid 2000 was delivered. " +
      "Nothing was changed; move the directory away, or set uid 2007 in the ledger if it is theirs",
  );
  await expect(found(directory(2000))).rejects.toThrow(
    "/home/ana exists, but the account ana does not; move the directory away, or restore its owner (uid 2000), by running: " +
      "groupadd --gid 2000 ana && useradd --uid 2000 --gid 2000 --no-create-home --home-dir /home/ana --shell /bin/zsh ana",
  );
  await expect(differences(hostWith(directory(2007), EARLIER).m)).rejects.toThrow(
    "/home/ana belongs to uid 2007; it must belong to ana, whose account has uid 2000",
  );
});

test("a damaged record of a pending home is no permission either", async () => {
  const { m } = hostWith(undefined, { ...EARLIER, [PENDING]: {} });
  await expect(differences(m)).rejects.toThrow("pending-homes/2000.json is damaged");
});

test("an account that is recorded anew forgets what was converged for the former one of that name", async () => {
  const { m, files } = hostWith(undefined, {
    [CONVERGED]: { ana: { account: "0123" }, bob: { account: "0123" } },
    [LEDGER]: { version: 1, people: { ana: { uid: 2000, adopted: false, removedOn: "2026-01-01" } } },
  });
  for (const change of await verifyOwnership(m, { ...ana, adopt: true }).differences()) await change.apply();
  expect(JSON.parse(files.get(CONVERGED) ?? "")).toEqual({ bob: { account: "0123" } });
});
