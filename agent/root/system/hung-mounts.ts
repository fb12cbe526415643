/** Detects a home on a file system that does not answer, before root's own look at it could block the whole run. */

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { lstat } from "../../lib/files.ts";
import { Refusal } from "../../lib/errors.ts";

/** File systems of the kernel on disks or in memory: a look at them never waits for another machine or process. */
const LOCAL = new Set(
  ["ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "bcachefs", "jfs", "reiserfs", "tmpfs", "ramfs"].concat(
    "overlay",
  ),
);
const PROBE_MS = 4000;
/** A child that cannot be killed is left behind after that. */
const ABANDON_MS = 5000;
const VALID_MS = 10_000;

export interface MountProbe {
  /** The text of `/proc/self/mountinfo`. */
  mounts(): string;
  /** Whether `/home` is a symbolic link. */
  isHomeLink(): boolean;
  /** Whether a look at the path ends in time. */
  answers(path: string, type: string): boolean;
  nowMs(): number;
}

/** @returns a check of `/home/<user>` that throws Refusal where the file system there does not answer */
export function mountCheck({ mounts, isHomeLink, answers, nowMs }: MountProbe): (home: string) => void {
  const verdicts = new Map<string, { readonly answers: boolean; readonly untilMs: number }>();
  let table: { readonly types: ReadonlyMap<string, string>; readonly untilMs: number } | undefined;
  /** The verdict on all homes below the point, or on the home that is the point. */
  const answersAt = (point: string, home: string, type: string) => {
    let verdict = verdicts.get(point);
    if (verdict === undefined || nowMs() >= verdict.untilMs) {
      verdict = { answers: answers(home, type), untilMs: nowMs() + VALID_MS };
      verdicts.set(point, verdict);
    }
    return verdict.answers;
  };
  return (home) => {
    const now = nowMs();
    if (table === undefined || now >= table.untilMs) table = { types: typesOf(mounts()), untilMs: now + VALID_MS };
    // Where something is mounted there it is no link, and a look at it may hang.
    if (!table.types.has("/home") && isHomeLink()) {
      // Where the link leads, and through which mount points, is not known without a look that may hang.
      if (answersAt(home, home, "unknown")) return;
      throw new Refusal(
        `${home} is on a file system that does not answer (/home is a link); find its mount point with: ` +
          "cat /proc/self/mountinfo; then repair the mount or unmount it with: umount --lazy <mount point>",
      );
    }
    // The mount point that a look comes to last decides: one of the home itself, or else one of all homes.
    for (const point of ["/home", home]) {
      const type = table.types.get(point);
      if (type === undefined || LOCAL.has(type) || answersAt(point, home, type)) continue;
      throw new Refusal(
        `${home} is on a file system (${type} at ${point}) that does not answer; repair the mount or unmount it with: umount --lazy ${point}`,
      );
    }
  };
}

/** Mount point to type; of several at one point the last lies on top. */
function typesOf(mountinfo: string): ReadonlyMap<string, string> {
  return new Map(
    mountinfo.split("\n").flatMap((line): [string, string][] => {
      const [place = "", kind = ""] = line.split(" - ");
      const [point, type] = [place.split(" ")[4], kind.split(" ")[0]];
      return point === undefined || type === undefined ? [] : [[point, type]];
    }),
  );
}

/** A slash at the end makes the kernel mount what is mounted on demand. The shell can be killed whatever its child waits for. */
export function statInTime(path: string, type: string): boolean {
  const script = `timeout --signal=KILL ${PROBE_MS / 1000} stat -- "$1" >/dev/null 2>&1; code=$?; exit $code`;
  const ran = spawnSync("/bin/sh", ["-c", script, "sh", type === "autofs" ? `${path}/` : path], {
    stdio: "ignore",
    timeout: ABANDON_MS,
    killSignal: "SIGKILL",
    env: { PATH: "/usr/bin:/bin" },
  });
  return ran.error === undefined && ran.status !== 137;
}

/** The check on this machine. */
export const assertHomeAnswers = mountCheck({
  mounts: () => readFileSync("/proc/self/mountinfo", "utf8"),
  isHomeLink: () => lstat("/home")?.isSymbolicLink() === true,
  answers: statInTime,
  nowMs: () => performance.now(),
});
