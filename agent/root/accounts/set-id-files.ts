/**
 * Finds set-user-ID and set-group-ID programs outside of homes that no package owns. The search is bounded: it covers the
 * local file systems on which the bits count, and stops after a time.
 */

import { posix } from "node:path";
import { messageOf, Refusal, systemCode } from "../../lib/errors.ts";
import type { User } from "../system/account-database.ts";
import type { System } from "../system/privileged-operations.ts";
import { homeDirectories, isIn } from "./parents-of-homes.ts";

export interface SetIdFile {
  readonly path: string;
  readonly uid: number;
}

export interface SetIdScan {
  /** Owned by no package, or not known to be; whoever owns the file. At most a thousand. */
  readonly files: readonly SetIdFile[];
  /** Why files may be missing, or their packages unknown; undefined where all was searched. */
  readonly incomplete: string | undefined;
}

const LIMIT_MS = 60_000;
/** Anybody can make any number of such files, so each list has an end. */
const MOST_REPORTED = 1000;
/** Paths that one call of `dpkg-query` is asked for; the kernel limits both their number and their length. */
const MOST_ASKED = 1000;
const MOST_ASKED_CHARACTERS = 100_000;

/**
 * @param mountinfo the text of `/proc/self/mountinfo`
 * @param users whose homes are left out, wherever they are
 */
export async function scanSetIdFiles(sys: System, mountinfo: string, users: Iterable<User>): Promise<SetIdScan> {
  const homes = homesOrReason(sys, users);
  if (typeof homes === "string") return { files: [], incomplete: `nothing was searched, because ${homes}` };
  const { searched, skipped, pruned } = mountsToSearch(mountinfo, homes);
  const found: SetIdFile[] = [];
  const missing = skipped.map((point) => `${point} was not searched`);
  const endsMs = Date.now() + LIMIT_MS;
  for (const point of searched) {
    const timeoutMs = Math.max(1000, endsMs - Date.now());
    const ran = await sys.run(findArgv(point, pruned), { reads: true, timeoutMs });
    if (ran.timedOut || ran.overflowed || ran.code !== 0) missing.push(`the search of ${point} did not end well`);
    found.push(...parseFound(ran.stdout));
  }
  const { owned, isComplete } = await packagedPaths(sys, found, endsMs);
  if (!isComplete) missing.push("the packages of some files could not be determined");
  const files = found.filter(({ path }) => !namesOf(path).some((name) => owned.has(name)));
  if (files.length > MOST_REPORTED) missing.push(`${files.length - MOST_REPORTED} more files are not listed`);
  return { files: files.slice(0, MOST_REPORTED), incomplete: missing.length === 0 ? undefined : missing.join(", ") };
}

/** A search that does not know where the homes are could enter one. */
function homesOrReason(sys: System, users: Iterable<User>): readonly string[] | string {
  try {
    return homeDirectories(sys, users);
  } catch (error) {
    if (error instanceof Refusal || systemCode(error) !== undefined) return messageOf(error);
    throw error;
  }
}

/** File systems of a local disk or memory. Everything else is the kernel's own, a network's or a user's. */
const LOCAL = new Set(["ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "jfs", "zfs", "bcachefs", "overlay", "tmpfs"]);

/** Layers of container images, full of images' own programs; only root and its group can enter these folders. */
const STORES = ["/var/lib/docker", "/var/lib/containerd", "/var/lib/containers"];
/** What `systemd-nspawn` shows to its guest, where the host is one. */
const SHOWN_TO_GUEST = "/run/host";

interface Mount {
  readonly device: string;
  /** Which part of the file system is mounted. */
  readonly root: string;
  readonly point: string;
  readonly options: readonly string[];
  readonly type: string;
}

/**
 * Exported for the tests. A part of a file system that is mounted a second time may be a home, so only whole ones are
 * searched, and none that is mounted as a home. A home that is a part of a searched one is left out there too.
 *
 * @param homes folders of homes, without symbolic links
 */
export function mountsToSearch(
  mountinfo: string,
  homes: readonly string[],
): {
  readonly searched: readonly string[];
  readonly skipped: readonly string[];
  /** Homes, stores and every mount point: a search must not enter them, and `-xdev` does where the device is the same. */
  readonly pruned: readonly string[];
} {
  const mounts = mountsIn(mountinfo);
  const ofHomes = mounts.filter(({ point }) => homes.some((home) => isIn(point, home)));
  const homeDevices = new Set(ofHomes.map(({ device }) => device));
  const sources = [...ofHomes, ...homes.flatMap((home) => sourceOf(home, mounts))];
  const pruned = new Set([...homes, ...STORES, ...mounts.map(({ point }) => point)]);
  const searched: string[] = [];
  const skipped: string[] = [];
  for (const { device, root, point, options, type } of mounts) {
    if (!LOCAL.has(type) || options.includes("nosuid")) continue;
    if ([...homes, SHOWN_TO_GUEST, ...STORES].some((folder) => isIn(point, folder))) continue;
    if (searched.includes(point) || skipped.includes(point)) continue;
    const sameDevice = sources.filter((source) => source.device === device);
    const isPartOfHome = sameDevice.some((source) => isIn(root, source.root));
    // Of `/` alone it is known that no home is above it.
    if (!isPartOfHome && (point === "/" || (root === "/" && !homeDevices.has(device)))) {
      searched.push(point);
      for (const source of sameDevice.filter((each) => isIn(each.root, root)))
        pruned.add(posix.join(point, posix.relative(root, source.root)));
    } else if (point === "/" || !mounts.some((whole) => isPartOfRoot({ device, root }, whole))) skipped.push(point);
  }
  return { searched, skipped, pruned: [...pruned] };
}

const isPartOfRoot = ({ device, root }: Pick<Mount, "device" | "root">, whole: Mount): boolean =>
  whole.point === "/" && whole.device === device && isIn(root, whole.root);

/** Which part of which file system a path is; of several mounts at one point the last lies on top. */
function sourceOf(path: string, mounts: readonly Mount[]): readonly Pick<Mount, "device" | "root">[] {
  const above = mounts.filter(({ point }) => isIn(path, point));
  const longest = Math.max(...above.map(({ point }) => point.length));
  const on = above.findLast(({ point }) => point.length === longest);
  return on === undefined ? [] : [{ device: on.device, root: posix.join(on.root, posix.relative(on.point, path)) }];
}

/** See `proc_pid_mountinfo(5)`. */
function mountsIn(text: string): readonly Mount[] {
  return text.split("\n").flatMap((line) => {
    const [, , device = "", root = "", point, options = "", ...rest] = line.split(" ");
    if (point === undefined) return [];
    const type = rest[rest.indexOf("-") + 1] ?? "";
    return [{ device, root: decodeOctal(root), point: decodeOctal(point), options: options.split(","), type }];
  });
}

const decodeOctal = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));

function findArgv(point: string, pruned: readonly string[]): readonly string[] {
  const below = pruned.filter((path) => path !== point && isIn(path, point));
  const either = below.flatMap((path, at) => [...(at === 0 ? [] : ["-o"]), "-path", path.replace(/[\\*?[]/g, "\\$&")]);
  // Nobody but root reaches what lies below such a folder.
  const closed = ["-type", "d", "-uid", "0", "!", "-perm", "/011", "-prune", "-o"];
  const prune = [...closed, ...(below.length === 0 ? [] : ["(", ...either, ")", "-prune", "-o"])];
  const match = ["-type", "f", "-perm", "/6000", "-printf", "%U %p\\0"];
  const quietly = ["/usr/bin/nice", "-n", "19", "/usr/bin/ionice", "-c", "3"];
  return [...quietly, "/usr/bin/find", "-P", point, "-xdev", "-ignore_readdir_race", ...prune, ...match];
}

const parseFound = (text: string): readonly SetIdFile[] =>
  text.split("\0").flatMap((entry) => {
    const [, uid, path] = /^(\d+) (\/.*)$/s.exec(entry) ?? [];
    return path === undefined ? [] : [{ uid: Number(uid), path }];
  });

/** With a merged `/usr` a package may list a file without that prefix. */
const namesOf = (path: string): readonly string[] => (path.startsWith("/usr/") ? [path, path.slice(4)] : [path]);

interface PackagedPaths {
  readonly owned: ReadonlySet<string>;
  /** Every path was asked for and every answer was read to its end. */
  readonly isComplete: boolean;
}

async function packagedPaths(sys: System, found: readonly SetIdFile[], endsMs: number): Promise<PackagedPaths> {
  const owned = new Set<string>();
  let isComplete = true;
  // A pattern would match other files too, and a file of such a name is in no package.
  const candidates = found.flatMap(({ path }) => (/[*?[\\\n]/.test(path) ? [] : namesOf(path)));
  for (const paths of chunksOf(candidates)) {
    const timeoutMs = endsMs - Date.now();
    if (timeoutMs <= 0) return { owned, isComplete: false };
    const ran = await sys.run(["/usr/bin/dpkg-query", "--search", "--", ...paths], { reads: true, timeoutMs });
    // 1: some of the paths are in no package.
    if (ran.timedOut || ran.overflowed || (ran.code !== 0 && ran.code !== 1)) isComplete = false;
    for (const line of ran.stdout.split("\n")) owned.add(line.slice(line.indexOf(": ") + 2));
  }
  return { owned, isComplete };
}

function chunksOf(paths: readonly string[]): readonly (readonly string[])[] {
  const chunks: string[][] = [];
  let characters = 0;
  for (const path of paths) {
    const last = chunks.at(-1);
    characters += path.length;
    if (last !== undefined && last.length < MOST_ASKED && characters <= MOST_ASKED_CHARACTERS) {
      last.push(path);
      continue;
    }
    chunks.push([path]);
    characters = path.length;
  }
  return chunks;
}
