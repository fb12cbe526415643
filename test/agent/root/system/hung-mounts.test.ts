/** A home on a file system that does not answer: found in time, and without a process where no such mount is. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { expect, test } from "vitest";
import { answeringInTime, type Look, mountCheck } from "../../../../agent/root/system/hung-mounts.ts";

const line = (point: string, type: string) =>
  `36 35 0:5${type.length} / ${point} rw,noatime shared:1 - ${type} server:/x rw`;

const NAMES = ["ana", "bob", "cleo", "dan"];

/** A machine with these mounts and a clock; `hung` are the homes that do not answer. */
function machineWith(mounts: readonly string[], hung: readonly string[], isHomeLink = false, names = NAMES) {
  const clock = { ms: 0 };
  const asked: (readonly string[])[] = [];
  const answering = (looks: readonly Look[]) => {
    asked.push(looks.map(({ path }) => path));
    const inTime = looks.filter(({ path }) => !hung.includes(path));
    if (inTime.length < looks.length) clock.ms += 4000;
    return new Set(inTime.map(({ path }) => path));
  };
  const check = mountCheck({
    mounts: () => mounts.join("\n"),
    isHomeLink: () => isHomeLink,
    homes: () => ["/root", ...names.map((name) => `/home/${name}`), "/home/ana/below"],
    answering,
    nowMs: () => clock.ms,
  });
  const isRefused = (home: string) => {
    try {
      check(home);
      return false;
    } catch {
      return true;
    }
  };
  return { clock, asked, check, isRefused };
}

test("a hung mount in the place of a home is refused by name, and the other homes are looked at", () => {
  const { check, asked } = machineWith([line("/", "ext4"), line("/home/ana", "nfs4")], ["/home/ana"]);
  expect(() => check("/home/ana")).toThrow(
    "/home/ana is on a file system (nfs4 at /home/ana) that does not answer; repair the mount or unmount it with: umount --lazy /home/ana",
  );
  check("/home/bob");
  expect(asked).toEqual([["/home/ana"]]);
});

test("a hung mount of all homes costs one wait, not one a person", () => {
  const { check, asked } = machineWith([line("/home", "fuse.sshfs")], ["/home/ana", "/home/bob"]);
  for (const home of ["/home/ana", "/home/bob"]) expect(() => check(home)).toThrow("fuse.sshfs at /home");
  expect(asked).toEqual([["/home/ana"]]);
});

test("where something is mounted at /home nothing looks at that directory itself, which would hang", () => {
  const check = mountCheck({
    mounts: () => line("/home", "nfs4"),
    isHomeLink: () => {
      throw new Error("looked at /home");
    },
    homes: () => [],
    answering: () => new Set(),
    nowMs: () => 0,
  });
  expect(() => check("/home/ana")).toThrow("(nfs4 at /home) that does not answer");
});

test("a hung mount is found where /home is a link, behind which the mount points have other names", () => {
  const { check, asked } = machineWith([line("/", "ext4"), line("/data/home/ana", "nfs4")], ["/home/ana"], true);
  for (let run = 0; run < 2; run += 1)
    expect(() => check("/home/ana")).toThrow("/home/ana is on a file system that does not answer (/home is a link)");
  check("/home/bob");
  expect(asked).toEqual([["/home/ana"], ["/home/bob", "/home/cleo", "/home/dan"]]);
});

test("homes on local disks start no process at all, mounted or not", () => {
  const { check, asked } = machineWith([line("/home", "ext4"), line("/home/ana", "btrfs"), line("/srv", "nfs")], []);
  for (const home of ["/home/ana", "/home/bob"]) check(home);
  expect(asked).toEqual([]);
});

test("a verdict is asked for again after a while, and later where nothing answered", () => {
  const answering = machineWith([line("/home", "nfs")], []);
  for (const ms of [0, 9000, 11_000]) {
    answering.clock.ms = ms;
    answering.check("/home/ana");
  }
  expect(answering.asked).toHaveLength(2);
  const hung = machineWith([line("/home", "nfs")], ["/home/ana"]);
  for (const ms of [0, 30_000, 63_000, 65_000]) {
    hung.clock.ms = ms;
    expect(hung.isRefused("/home/ana")).toBe(true);
  }
  expect(hung.asked).toHaveLength(2);
});

const MANY = Array.from({ length: 30 }, (_, at) => `p${at}`);
const homesOf = (names: readonly string[]) => names.map((name) => `/home/${name}`);

test.each([
  ["a mount each", MANY.map((name) => line(`/home/${name}`, "nfs4")), false],
  ["an automount of /home", [line("/home", "autofs")], false],
  ["a link at /home", [line("/", "ext4")], true],
])(
  "30 homes that do not answer cost two deadlines together, with %s, however long the run goes on",
  (_, mounts, isLink) => {
    const { asked, clock, isRefused } = machineWith(mounts, homesOf(MANY), isLink, [...MANY, "answering"]);
    for (let look = 0; look < 4; look += 1) expect(homesOf(MANY).every(isRefused)).toBe(true);
    expect([asked.length, clock.ms]).toEqual([2, 8000]);
    expect(isRefused("/home/answering")).toBe(false);
    // A minute later, all of them once more and together.
    clock.ms += 60_000;
    expect(homesOf(MANY).every(isRefused)).toBe(true);
    expect(asked.flat().filter((path) => path === "/home/p7")).toHaveLength(2);
    expect(asked.flat().filter((path) => !/^\/home\/[a-z0-9]+$/.test(path))).toEqual([]);
  },
);

test("one home that is not mounted on demand in time keeps nobody else out", () => {
  const { check, isRefused } = machineWith([line("/home", "autofs"), line("/home/cleo", "nfs4")], ["/home/ana"]);
  expect(() => check("/home/ana")).toThrow(
    "/home/ana is on a file system (autofs at /home) that does not answer; repair the server that it is mounted from on demand",
  );
  expect(["bob", "cleo", "dan"].map((name) => isRefused(`/home/${name}`))).toEqual([false, false, false]);
});

test("a mount of one's own that hangs below a network mount of all homes is that person's alone", () => {
  const { check, isRefused } = machineWith([line("/home", "nfs4"), line("/home/ana", "fuse")], ["/home/ana"]);
  expect(() => check("/home/ana")).toThrow("(fuse at /home/ana)");
  expect(isRefused("/home/bob")).toBe(false);
});

test("a home that answers mounts nobody else's, which would all be mounted at once", () => {
  const { check, asked } = machineWith([line("/home", "autofs")], []);
  check("/home/ana");
  expect(asked).toEqual([["/home/ana"]]);
});

test("a look at a directory, or at nothing, ends at once", () => {
  const folder = mkdtempSync(`${tmpdir()}/looks-`);
  const began = performance.now();
  const paths = [folder, `${folder}/missing`, folder.replace(/$/, "/a b'c")];
  expect([...answeringInTime(paths.map((path) => ({ path, type: "nfs" })))]).toEqual(paths);
  expect(performance.now() - began).toBeLessThan(2000);
  rmSync(folder, { recursive: true });
});

test("looks that hang end together with their one deadline, and those that answer count", () => {
  const folder = mkdtempSync(`${tmpdir()}/looks-`);
  writeFileSync(`${folder}/stat`, "#!/bin/sh\ncase $2 in *hung*) exec sleep 60 ;; *auto) exit 9 ;; esac\n", {
    mode: 0o755,
  });
  const looks = [...MANY.map((name) => `/hung/${name}`), "/there"].map((path) => ({ path, type: "nfs" }));
  const began = performance.now();
  expect([...answeringInTime(looks, `${folder}/stat`)]).toEqual(["/there"]);
  expect(performance.now() - began).toBeLessThan(15_000);
  rmSync(folder, { recursive: true });
});
