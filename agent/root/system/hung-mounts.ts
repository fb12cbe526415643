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
const HOMES = "/home";
/** One step further, root does not look. */
const HOME = /^\/home\/[^/]+$/;
const AUTOMOUNT = "autofs";
const PROBE_MS = 4000;
/** A child that cannot be killed is left behind after that. */
const ABANDON_MS = 5000;
const VALID_MS = 10_000;
/** Longer, since each look at what does not answer costs the whole run a deadline. */
const HUNG_VALID_MS = 60_000;

/** A path to look at, and the type of what is mounted there. */
export interface Look {
  readonly path: string;
  readonly type: string;
}

export interface MountProbe {
  /** The text of `/proc/self/mountinfo`. */
  mounts(): string;
  /** Whether `/home` is a symbolic link. */
  isHomeLink(): boolean;
  /** The homes of all accounts of this host, wherever they lie. */
  homes(): readonly string[];
  /** The paths whose look ended in time. All looks are made at once, so they take one deadline together. */
  answering(looks: readonly Look[]): ReadonlySet<string>;
  nowMs(): number;
}

/** What decides whether a home answers. */
interface Verdict {
  readonly answers: boolean;
  readonly untilMs: number;
}

/** Where a home lies, when a look at it may hang. */
interface Place {
  /** All homes with the same key have one verdict. */
  readonly key: string;
  readonly look: Look;
  readonly refusal: string;
}

/** @returns a check of `/home/<user>` that throws Refusal where the file system there does not answer */
export function mountCheck(probe: MountProbe): (home: string) => void {
  const verdicts = new Map<string, Verdict>();
  let table: { readonly types: ReadonlyMap<string, string>; readonly untilMs: number } | undefined;
  const typesNow = () => {
    const now = probe.nowMs();
    if (table === undefined || now >= table.untilMs)
      table = { types: typesOf(probe.mounts()), untilMs: now + VALID_MS };
    return table.types;
  };
  const placeOf = (home: string) => findPlace(typesNow(), probe.isHomeLink, home);
  const validVerdict = (key: string) => {
    const verdict = verdicts.get(key);
    return verdict !== undefined && probe.nowMs() < verdict.untilMs ? verdict : undefined;
  };
  const judge = (places: readonly Place[]) => {
    if (places.length === 0) return;
    const answering = probe.answering(places.map(({ look }) => look));
    for (const { key, look } of places) {
      const answers = answering.has(look.path);
      verdicts.set(key, { answers, untilMs: probe.nowMs() + (answers ? VALID_MS : HUNG_VALID_MS) });
    }
  };
  /** Every other home without a verdict that is valid, once for each key. */
  const others = (key: string): readonly Place[] => {
    const homes = [...probe.homes(), ...typesNow().keys()].filter((path) => HOME.test(path));
    const places = homes.flatMap((home) => placeOf(home) ?? []);
    const open = places.filter((place) => place.key !== key && validVerdict(place.key) === undefined);
    return [...new Map(open.map((place) => [place.key, place])).values()];
  };
  return (home) => {
    const place = placeOf(home);
    if (place === undefined) return;
    if (validVerdict(place.key) === undefined) {
      // Where one has hung, others may hang too. Looks that answer are not made for homes that nobody asks for: each could mount one.
      const hasHung = [...verdicts.values()].some(({ answers }) => !answers);
      judge(hasHung ? [place, ...others(place.key)] : [place]);
      if (!hasHung && verdicts.get(place.key)?.answers === false) judge(others(place.key));
    }
    if (verdicts.get(place.key)?.answers === false) throw new Refusal(place.refusal);
  };
}

/** Undefined where a look at the home cannot hang. */
function findPlace(types: ReadonlyMap<string, string>, isHomeLink: () => boolean, home: string): Place | undefined {
  const [around, own] = [types.get(HOMES), types.get(home)];
  // Where something is mounted there it is no link, and a look at it may hang.
  if (around === undefined && isHomeLink()) {
    // Where the link leads, and through which mount points, is not known without a look that may hang.
    return {
      key: home,
      look: { path: home, type: "unknown" },
      refusal:
        `${home} is on a file system that does not answer (/home is a link); find its mount point with: ` +
        "cat /proc/self/mountinfo; then repair the mount or unmount it with: umount --lazy <mount point>",
    };
  }
  const [point, type] = isRemote(own) ? [home, own] : [HOMES, around];
  if (!isRemote(type)) return undefined;
  const remedy =
    type === AUTOMOUNT
      ? "repair the server that it is mounted from on demand"
      : `repair the mount or unmount it with: umount --lazy ${point}`;
  return {
    // What is mounted on demand is another file system for each home.
    key: own === undefined && type !== AUTOMOUNT ? HOMES : home,
    look: { path: home, type: own ?? type },
    refusal: `${home} is on a file system (${type} at ${point}) that does not answer; ${remedy}`,
  };
}

const isRemote = (type: string | undefined): type is string => type !== undefined && !LOCAL.has(type);

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

/** Prints the number of each argument whose look ended in time, however it ended. The shell can be killed whatever its children wait for. */
const SCRIPT = `stat=$1; shift; number=0
for path do
  { timeout --signal=KILL ${PROBE_MS / 1000} "$stat" -- "$path" >/dev/null 2>&1; [ $? -eq 137 ] || echo "$number"; } &
  number=$((number + 1))
done
wait`;

/**
 * Looks at all paths at once. A slash at the end makes the kernel mount what is mounted on demand.
 *
 * @param stat the program that looks
 */
export function answeringInTime(looks: readonly Look[], stat = "stat"): ReadonlySet<string> {
  const paths = looks.map(({ path, type }) => (type === AUTOMOUNT ? `${path}/` : path));
  const ran = spawnSync("/bin/sh", ["-c", SCRIPT, "sh", stat, ...paths], {
    stdio: ["ignore", "pipe", "ignore"],
    encoding: "utf8",
    timeout: ABANDON_MS,
    killSignal: "SIGKILL",
    env: { PATH: "/usr/bin:/bin" },
  });
  // What was printed before the shell was killed counts as well.
  const numbers = new Set((ran.stdout ?? "").split("\n"));
  return new Set(looks.flatMap(({ path }, number) => (numbers.has(String(number)) ? [path] : [])));
}

/** The check on this machine. */
export const assertHomeAnswers = mountCheck({
  mounts: () => readFileSync("/proc/self/mountinfo", "utf8"),
  isHomeLink: () => lstat(HOMES)?.isSymbolicLink() === true,
  homes: () =>
    readFileSync("/etc/passwd", "utf8")
      .split("\n")
      .map((line) => line.split(":")[5] ?? ""),
  answering: answeringInTime,
  nowMs: () => performance.now(),
});
