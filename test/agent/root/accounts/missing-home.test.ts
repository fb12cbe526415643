/** A home that is missing: made once with its account, and never again in the place of one that is not mounted. */
import type { Stats } from "node:fs";
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

/** A host with the account `ana`; `home` is what lies at `/home/ana`. */
function hostWith(home: Partial<Stats> | undefined, files: Readonly<Record<string, unknown>>) {
  const door = memoryDoor();
  for (const [path, value] of Object.entries(files)) door.files.set(path, JSON.stringify(value));
  const sys = { ...door.sys, look: (path: string) => (path === "/home/ana" ? (home as Stats) : door.sys.look(path)) };
  const accounts = parseAccounts("ana:x:2000:2000::/home/ana:/bin/zsh\n", "ana:x:2000:\n", "ana:!:1::::::\n");
  const m: Machine = { sys, accounts: () => accounts, units: async () => new Map() };
  return { m, files: door.files };
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

test("a home that a killed run has not finished is made", async () => {
  const { m } = hostWith(directory(0), { [CONVERGED]: { bob: { account: "0123" } } });
  expect(await differences(m)).toEqual(["would create /home/ana, which was missing"]);
});

test("an account that is recorded anew forgets what was converged for the former one of that name", async () => {
  const { m, files } = hostWith(undefined, {
    [CONVERGED]: { ana: { account: "0123" }, bob: { account: "0123" } },
    [LEDGER]: { version: 1, people: { ana: { uid: 2000, adopted: false, removedOn: "2026-01-01" } } },
  });
  for (const change of await verifyOwnership(m, { ...ana, adopt: true }).differences()) await change.apply();
  expect(JSON.parse(files.get(CONVERGED) ?? "")).toEqual({ bob: { account: "0123" } });
});
