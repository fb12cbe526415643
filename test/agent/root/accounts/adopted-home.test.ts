/** An adopted home that others may enter: reported with its mode, closed where the stack asks for it, else left. */

import type { Stats } from "node:fs";
import { describe, expect, test } from "vitest";
import { converge } from "../../../../agent/lib/converge.ts";
import { closeAdoptedHome } from "../../../../agent/root/accounts/adopted-home.ts";
import { parseAccounts } from "../../../../agent/root/system/account-database.ts";
import type { Machine } from "../../../../agent/root/system/cached-accounts-and-units.ts";
import { account } from "../../../e2e/host/parts.ts";
import { memoryDoor } from "../../in-memory-system.ts";

const GROUP = "ada:x:2000:\nteam:x:3000:ada,bob\n";

function host(mode: number, { gid = 2000, adopted = true, group = GROUP, hasList = false } = {}) {
  const { sys, files } = memoryDoor();
  files.set(
    "/var/lib/workstation/ledger.json",
    JSON.stringify({ version: 1, people: { ada: { uid: 2000, adopted } } }),
  );
  let now = mode;
  const home = () => ({ isDirectory: () => true, uid: 2000, gid, mode: 0o40000 | now }) as Stats;
  const accounts = parseAccounts(
    "ada:x:2000:2000::/home/ada:/bin/zsh\nbob:x:2001:2001::/home/bob:/bin/zsh\n",
    group,
    "",
  );
  const m: Machine = {
    sys: {
      ...sys,
      look: (path) => (path === "/home/ada" ? home() : sys.look(path)),
      run: async (argv) => {
        const stdout = `drwxr-x---${hasList ? "+" : ""} 2 ada ada 40 Jan  1 00:00 /home/ada\n`;
        return { argv, code: 0, stdout, stderr: "", timedOut: false, overflowed: false };
      },
      closeHome: () => {
        now = 0o700;
      },
    },
    accounts: () => accounts,
    units: async () => new Map(),
  };
  const deliver = async (over: { readonly closeHome?: true } = {}) => {
    const [said, warned]: string[][] = [[], []];
    const part = { ...account({ osUser: "ada", uid: 2000 }), ...over };
    const step = closeAdoptedHome(m, part, (line) => void warned?.push(line));
    await converge(step, "apply", (line) => void said?.push(line));
    return { said, warned, mode: now };
  };
  return deliver;
}

describe("an adopted home", () => {
  test.each<[string, number, number, string]>([
    ["others may list", 0o755, 2000, "all users of this host"],
    ["others may pass", 0o711, 2000, "all users of this host"],
    ["a shared group may list", 0o750, 3000, "the group team"],
  ])(
    "that %s is reported with its mode and stays, and is closed where the stack says so",
    async (_, mode, gid, whom) => {
      const deliver = host(mode, { gid });
      expect(await deliver()).toEqual({
        said: [],
        warned: [
          `/home/ada (mode 0${mode.toString(8)}) is open to ${whom} and stays as it was adopted; the stack's setting ` +
            "devvm.closeAdoptedHomes closes it, and so does: chmod 0700 /home/ada",
        ],
        mode,
      });
      const closed = [`set /home/ada to mode 0700, it was mode 0${mode.toString(8)}`];
      expect(await deliver({ closeHome: true })).toEqual({ said: closed, warned: [], mode: 0o700 });
      expect(await deliver({ closeHome: true })).toEqual({ said: [], warned: [], mode: 0o700 });
    },
  );

  test("that is closed is left as it is", async () => {
    expect(await host(0o700)({ closeHome: true })).toEqual({ said: [], warned: [], mode: 0o700 });
  });

  test("whose group is its owner's alone is not reported, and is closed where the stack says so", async () => {
    const deliver = host(0o750);
    expect(await deliver()).toEqual({ said: [], warned: [], mode: 0o750 });
    expect(await deliver({ closeHome: true })).toMatchObject({ mode: 0o700 });
  });

  test("that an access control list opens is reported, unless its mask lets nobody in", async () => {
    expect((await host(0o750, { hasList: true })()).warned).toEqual([
      expect.stringContaining("/home/ada (mode 0750) is open to those whom its access control list names"),
    ]);
    expect((await host(0o700, { hasList: true })()).warned).toEqual([]);
    expect(await host(0o750, { hasList: true })({ closeHome: true })).toMatchObject({ mode: 0o700 });
  });
});

test("a home that this program made is not this step's", async () => {
  expect(await host(0o755, { adopted: false })({ closeHome: true })).toEqual({ said: [], warned: [], mode: 0o755 });
});

test("a group of another user's is no group of the owner's alone, though it lists no member", async () => {
  const deliver = host(0o750, { gid: 2001, group: "ada:x:2000:\nbob:x:2001:\n" });
  expect((await deliver()).warned?.[0]).toContain("is open to the group bob");
});
