/** A home on a file system that does not answer: found in time, and without a process where no such mount is. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { expect, test, vi } from "vitest";
import { mountCheck, statInTime } from "../../../../agent/root/system/hung-mounts.ts";

const line = (point: string, type: string) =>
  `36 35 0:5${type.length} / ${point} rw,noatime shared:1 - ${type} server:/x rw`;

/** A machine with these mounts and a clock; `hung` are the homes that do not answer. */
function machineWith(mounts: readonly string[], hung: readonly string[], isHomeLink = false) {
  const clock = { ms: 0 };
  const answers = vi.fn((path: string) => !hung.includes(path));
  return {
    clock,
    answers,
    check: mountCheck({
      mounts: () => mounts.join("\n"),
      isHomeLink: () => isHomeLink,
      answers,
      nowMs: () => clock.ms,
    }),
  };
}

test("a hung mount in the place of a home is refused by name, and the other homes are looked at", () => {
  const { check, answers } = machineWith([line("/", "ext4"), line("/home/ana", "nfs4")], ["/home/ana"]);
  expect(() => check("/home/ana")).toThrow(
    "/home/ana is on a file system (nfs4 at /home/ana) that does not answer; repair the mount or unmount it with: umount --lazy /home/ana",
  );
  check("/home/bob");
  expect(answers).toHaveBeenCalledTimes(1);
});

test("a hung mount of all homes costs one wait, not one a person", () => {
  const { check, answers } = machineWith([line("/home", "fuse.sshfs")], ["/home/ana", "/home/bob"]);
  for (const home of ["/home/ana", "/home/bob"]) expect(() => check(home)).toThrow("fuse.sshfs at /home");
  expect(answers).toHaveBeenCalledTimes(1);
});

test("where something is mounted at /home nothing looks at that directory itself, which would hang", () => {
  const check = mountCheck({
    mounts: () => line("/home", "nfs4"),
    isHomeLink: () => {
      throw new Error("looked at /home");
    },
    answers: () => false,
    nowMs: () => 0,
  });
  expect(() => check("/home/ana")).toThrow("(nfs4 at /home) that does not answer");
});

test("a hung mount is found where /home is a link, behind which the mount points have other names", () => {
  const { check, answers } = machineWith([line("/", "ext4"), line("/data/home/ana", "nfs4")], ["/home/ana"], true);
  for (let run = 0; run < 2; run += 1)
    expect(() => check("/home/ana")).toThrow("/home/ana is on a file system that does not answer (/home is a link)");
  check("/home/bob");
  expect(answers).toHaveBeenCalledTimes(2);
});

test("homes on local disks start no process at all, mounted or not", () => {
  const { check, answers } = machineWith([line("/home", "ext4"), line("/home/ana", "btrfs"), line("/srv", "nfs")], []);
  for (const home of ["/home/ana", "/home/bob"]) check(home);
  expect(answers).not.toHaveBeenCalled();
});

test("a verdict is asked for again after a while", () => {
  const { check, clock, answers } = machineWith([line("/home", "nfs")], []);
  for (const ms of [0, 9000, 11_000]) {
    clock.ms = ms;
    check("/home/ana");
  }
  expect(answers).toHaveBeenCalledTimes(2);
});

test("a look at a directory, or at nothing, ends at once", () => {
  const folder = mkdtempSync(`${tmpdir()}/looks-`);
  const began = performance.now();
  expect([statInTime(folder, "nfs"), statInTime(`${folder}/missing`, "nfs")]).toEqual([true, true]);
  expect(performance.now() - began).toBeLessThan(2000);
  rmSync(folder, { recursive: true });
});
