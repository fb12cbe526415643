/** A host whose maps part is damaged still converges everything but removals, and a delivery repairs it within the limits. */
import type { Stats } from "node:fs";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { apply } from "../../../../agent/root/commands/apply-part.ts";
import { confirmDelivery } from "../../../../agent/root/commands/confirm-delivery.ts";
import { convergeAll } from "../../../../agent/root/commands/reconcile.ts";
import { readStatus } from "../../../../agent/root/commands/status.ts";
import { digestOf } from "../../../../agent/lib/delivered-digests.ts";
import { storePart } from "../../../../agent/root/state/stored-parts.ts";
import { account, base, maps } from "../../../e2e/host/parts.ts";
import { memoryDoor } from "../../in-memory-system.ts";

const FILE = "/var/lib/workstation/parts/maps.json";
const people = ["ana", "bob"].map((osUser, at) => ({ osUser, uid: 2000 + at }));
const DAMAGE = `${FILE} is not valid JSON; start the schedule "daily", which delivers it again`;
let said = "";

beforeEach(() => {
  said = "";
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    said += String(text);
    return true;
  });
  vi.spyOn(process.stderr, "write").mockReturnValue(true);
});
afterEach(() => void vi.restoreAllMocks());

/** A host that holds ana, an admin, and bob, with half a maps part. */
function host(state: { readonly bob?: "left" } = {}) {
  const { sys, files } = memoryDoor();
  files
    .set("/etc/passwd", "")
    .set("/etc/group", "")
    .set("/etc/shadow", "")
    .set("/etc/ttyd-admins", "# Generated\nana\n");
  const run = async (argv: readonly string[]) => {
    const names = argv.includes("--") ? argv.slice(argv.indexOf("--") + 1) : [];
    const stdout = argv[1] === "show" ? names.map(() => "LoadState=loaded\nActiveState=active").join("\n\n") : "";
    return { argv, code: 0, stdout, stderr: "", timedOut: false, overflowed: false };
  };
  const look = (path: string) =>
    files.has(path) ? ({ isFile: () => true, mode: 0o600, uid: 0, gid: 0 } as Stats) : undefined;
  const system = { ...sys, run, look };
  storePart(system, base());
  for (const who of people)
    storePart(system, account(who.osUser === "bob" ? { ...who, ...(state.bob && { state: state.bob }) } : who));
  files.set(FILE, JSON.stringify(maps(people)).slice(0, 40));
  const deliver = (part: ReturnType<typeof maps>) => apply(system, "maps", "host", JSON.stringify(part), undefined);
  return { system, files, deliver };
}

test("a delivery of the same people repairs it", async () => {
  const { deliver, files } = host();
  const whole = maps(people, { admins: ["ana"], removalLimit: 0 });
  await deliver(whole);
  expect(JSON.parse(files.get(FILE) ?? "")).toEqual(whole);
});

test("a delivery that takes more than the limit is refused, counted by the account parts and the admin list", async () => {
  const { deliver, files } = host();
  const before = files.get(FILE);
  await expect(deliver(maps([], { removalLimit: 1 }))).rejects.toThrow("2 of 2 users would lose access");
  await expect(deliver(maps(people, { removalLimit: 0 }))).rejects.toThrow("lose the groups of an admin: ana");
  expect(files.get(FILE)).toBe(before);
  files.set("/var/lib/workstation/parts/account.bob.json", "{");
  await expect(deliver(maps(people.slice(0, 1), { admins: ["ana"], removalLimit: 0 }))).rejects.toThrow(
    "access to this host: bob",
  );
});

test("the hourly run converges the rest, and offboards nobody", async () => {
  const { system } = host({ bob: "left" });
  const lines: string[] = [];
  const how = {
    mode: "check",
    nowMs: 0,
    failpoint: undefined,
    info: (line: string) => lines.push(line),
    warn: () => undefined,
  } as const;
  const { failed } = await convergeAll(system, how);
  expect(failed).toContain(`host: ${DAMAGE}`);
  expect(lines).toEqual(["host: would install git, tmux, zsh", "ana: would record uid 2000 in the host's ledger"]);
});

test("the daily deployment is told to deliver it again, and the status names it", async () => {
  const { system } = host();
  const delivered = { maps: digestOf(maps(people)), base: digestOf(base()) };
  expect(confirmDelivery(system, JSON.stringify(delivered), true, 0)).toBe(1);
  expect(JSON.parse(said)).toMatchObject({ different: ["maps"], missing: [] });
  expect((await readStatus(system)).problems).toContain(DAMAGE);
});

test("a damaged ledger is the host's problem in the status, with a remedy that repairs it", async () => {
  const { system, files } = host();
  files.set("/var/lib/workstation/ledger.json", "{");
  const status = await readStatus(system);
  expect(status.people).toHaveLength(2);
  expect(status.problems).toContain("/var/lib/workstation/ledger.json is not valid JSON; restore it from a backup");
});

test.each(["delivered.json", "host-failures.json"])("a damaged %s keeps the hourly run from nothing", async (name) => {
  const { system, files } = host();
  files.set(`/var/lib/workstation/${name}`, "{").set(FILE, JSON.stringify(maps(people)));
  const lines: string[] = [];
  const how = { nowMs: 0, failpoint: undefined, info: (line: string) => lines.push(line), warn: () => undefined };
  await convergeAll(system, { ...how, mode: "check" });
  expect(lines).toContain("ana: would record uid 2000 in the host's ledger");
  expect(await readStatus(system)).toMatchObject({ people: [{ osUser: "ana" }, { osUser: "bob" }] });
});
