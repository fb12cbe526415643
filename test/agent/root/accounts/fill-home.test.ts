/** A new home is filled from the skel directory by its person's own process, and a killed one is finished later. */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  type Stats,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { afterEach, beforeEach, expect, test } from "vitest";
import { fillArgv, fillHome, pipelineFrom } from "../../../../agent/root/accounts/fill-home.ts";
import { parseAccounts } from "../../../../agent/root/system/account-database.ts";
import { run } from "../../../../agent/lib/exec.ts";
import { memoryDoor } from "../../in-memory-system.ts";

let folder: string;
let skel: string;
let home: string;
beforeEach(() => {
  folder = mkdtempSync(`${tmpdir()}/fill-home-`);
  [skel, home] = [`${folder}/skel`, `${folder}/home`];
  mkdirSync(`${skel}/.claude/more`, { recursive: true });
  mkdirSync(home, { mode: 0o700 });
  writeFileSync(`${skel}/.zshrc`, "# start\n");
  writeFileSync(`${skel}/start here.sh`, "true\n", { mode: 0o755 });
  writeFileSync(`${skel}/.claude/more/deep`, "deep\n");
  symlinkSync("/srv/shared/skills", `${skel}/.claude/skills`);
  symlinkSync("nowhere", `${skel}/..dots`);
  chmodSync(skel, 0o755);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const fill = () => run(pipelineFrom(skel, fillArgv(home)), { timeoutMs: 20_000 });
const all = () => readdirSync(home, { recursive: true }).map(String).sort();
const EVERYTHING = [
  "..dots",
  ".claude",
  ".claude/more",
  ".claude/more/deep",
  ".claude/skills",
  ".zshrc",
  "start here.sh",
];

test("a home holds all of the skel directory afterwards, with its modes and links, and stays closed", async () => {
  expect(await fill()).toMatchObject({ code: 0, stderr: "" });
  expect(all()).toEqual(EVERYTHING);
  const mode = (path: string) => lstatSync(path).mode & 0o777;
  expect([mode(home), mode(`${home}/start here.sh`), mode(`${home}/.claude`)]).toEqual([0o700, 0o755, 0o755]);
  expect(readlinkSync(`${home}/.claude/skills`)).toBe("/srv/shared/skills");
});

test("what is there stays, whatever it is", async () => {
  writeFileSync(`${home}/.zshrc`, "# theirs\n");
  symlinkSync("gone", `${home}/.claude`);
  expect((await fill()).code).toBe(0);
  expect([readFileSync(`${home}/.zshrc`, "utf8"), readlinkSync(`${home}/.claude`)]).toEqual(["# theirs\n", "gone"]);
});

test("a run that was killed at any byte of the copy leaves nothing half under its own name, and the next one finishes", async () => {
  writeFileSync(`${skel}/large`, "x".repeat(600_000));
  const archive = spawnSync("tar", ["--create", "--file=-", `--directory=${skel}`, "."], { maxBuffer: 4e6 }).stdout;
  const [file = "", ...rest] = fillArgv(home);
  for (const share of [0.1, 0.5, 0.9]) {
    const cut = spawnSync(file, rest, { input: archive.subarray(0, Math.floor(archive.length * share)) });
    expect([cut.status, all().filter((name) => !name.startsWith(".workstation-skel"))]).toEqual([
      expect.any(Number),
      [],
    ]);
    expect(cut.status).not.toBe(0);
  }
  // Killed while it moved: some entries have their name, the others lie in the folder beside.
  mkdirSync(`${home}/.claude`);
  expect((await fill()).code).toBe(0);
  expect(all()).toEqual([...EVERYTHING.filter((name) => !name.startsWith(".claude/")), "large"].sort());
  expect(readFileSync(`${home}/large`, "utf8")).toHaveLength(600_000);
});

test("a skel directory that cannot be read as a whole fills nothing in silence", async () => {
  rmSync(skel, { recursive: true });
  expect((await fill()).code).not.toBe(0);
});

test("the copy is written as the person, from the directory that useradd would take", async () => {
  const { sys, files } = memoryDoor();
  const started: (readonly string[])[] = [];
  const directory = { isDirectory: () => true, uid: 2000, mode: 0o40700 } as Stats;
  const look = (path: string) => (path === "/home/ana" || path === "/srv/skel" ? directory : undefined);
  const ran = { code: 0, stdout: "", stderr: "", timedOut: false, overflowed: false };
  const answer = { ...ran };
  const system = {
    ...sys,
    look,
    run: async (argv: readonly string[]) => {
      started.push(argv);
      return { argv, ...answer };
    },
  };
  const accounts = parseAccounts("ana:x:2000:2000::/home/ana:/bin/zsh\n", "", "");
  const m = { sys: system, accounts: () => accounts, units: async () => new Map() };
  const user = { name: "ana", uid: 2000, gid: 2000, home: "/home/ana", shell: "/bin/zsh" };
  await fillHome(m, user);
  expect(started).toEqual([]);
  files.set("/etc/default/useradd", "SHELL=/bin/sh\nSKEL=/srv/skel\n");
  await fillHome(m, user);
  expect(started.flat().join(" ")).toMatch(
    /^\/bin\/bash .* \/srv\/skel \/usr\/bin\/setpriv --reuid=2000 --regid=2000 /,
  );
  Object.assign(answer, { code: 2, stderr: "tar: ./x: Cannot open: No space left on device" });
  await expect(fillHome(m, user)).rejects.toThrow(
    "/home/ana could not be filled: the copy of /srv/skel ended with 2: tar: ./x: Cannot open: No space left on device; the next run tries again",
  );
});
