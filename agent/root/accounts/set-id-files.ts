/**
 * Finds set-user-ID and set-group-ID programs outside of homes that no package owns. The search is bounded: it covers the
 * local file systems on which the bits count, and stops after a time.
 */

import type { System } from "../system/privileged-operations.ts";

export interface SetIdFile {
  readonly path: string;
  readonly uid: number;
}

export interface SetIdScan {
  /** Owned by no package; all of them, whoever owns the file. */
  readonly files: readonly SetIdFile[];
  /** Why files may be missing; undefined where all was searched. */
  readonly incomplete: string | undefined;
}

const LIMIT_MS = 60_000;

/** @param mountinfo the text of `/proc/self/mountinfo` */
export async function scanSetIdFiles(sys: System, mountinfo: string): Promise<SetIdScan> {
  const { searched, skipped, points } = mountsToSearch(mountinfo);
  const found: SetIdFile[] = [];
  const missing = skipped.map((point) => `${point} was not searched`);
  const endsMs = Date.now() + LIMIT_MS;
  for (const point of searched) {
    const timeoutMs = Math.max(1000, endsMs - Date.now());
    const ran = await sys.run(findArgv(point, points), { reads: true, timeoutMs });
    if (ran.timedOut || ran.overflowed || ran.code !== 0) missing.push(`the search of ${point} did not end well`);
    found.push(...parseFound(ran.stdout));
  }
  const files = await withoutPackages(sys, found);
  return { files, incomplete: missing.length === 0 ? undefined : missing.join(", ") };
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
 * searched, and none that homes lie on.
 */
export function mountsToSearch(mountinfo: string): {
  readonly searched: readonly string[];
  readonly skipped: readonly string[];
  /** Every mount point: a search must not cross into another one, and `-xdev` does where the device is the same. */
  readonly points: readonly string[];
} {
  const mounts = mountsIn(mountinfo);
  const homes = new Set(mounts.filter(({ point }) => isIn(point, "/home")).map(({ device }) => device));
  const points = [...new Set(mounts.map(({ point }) => point))];
  const searched: string[] = [];
  const skipped: string[] = [];
  for (const { device, root, point, options, type } of mounts) {
    if (!LOCAL.has(type) || options.includes("nosuid")) continue;
    if (["/home", SHOWN_TO_GUEST, ...STORES].some((folder) => isIn(point, folder))) continue;
    if (searched.includes(point) || skipped.includes(point)) continue;
    // Of `/` alone it is known that no home is above it.
    if (point === "/" || (root === "/" && !homes.has(device))) searched.push(point);
    else if (!mounts.some((whole) => whole.point === "/" && whole.device === device && isIn(root, whole.root)))
      skipped.push(point);
  }
  return { searched, skipped, points };
}

const isIn = (path: string, folder: string): boolean =>
  folder === "/" || path === folder || path.startsWith(`${folder}/`);

/** See `proc_pid_mountinfo(5)`. */
function mountsIn(text: string): readonly Mount[] {
  return text.split("\n").flatMap((line) => {
    const [, , device = "", root = "", point, options = "", ...rest] = line.split(" ");
    if (point === undefined) return [];
    const type = rest[rest.indexOf("-") + 1] ?? "";
    return [{ device, root, point: decodeOctal(point), options: options.split(","), type }];
  });
}

const decodeOctal = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));

function findArgv(point: string, points: readonly string[]): readonly string[] {
  const others = points.filter((other) => other !== point);
  const pruned = [...new Set(["/home", ...STORES, ...others])].filter(
    (path) => point === "/" || path.startsWith(`${point}/`),
  );
  const either = pruned.flatMap((path, at) => [...(at === 0 ? [] : ["-o"]), "-path", path.replace(/[\\*?[]/g, "\\$&")]);
  // Nobody but root reaches what lies below such a folder.
  const closed = ["-type", "d", "-uid", "0", "!", "-perm", "/011", "-prune", "-o"];
  const prune = [...closed, ...(pruned.length === 0 ? [] : ["(", ...either, ")", "-prune", "-o"])];
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

async function withoutPackages(sys: System, found: readonly SetIdFile[]): Promise<readonly SetIdFile[]> {
  if (found.length === 0) return [];
  // A pattern would match other files too, and a file of such a name is in no package.
  const asked = found.flatMap(({ path }) => (/[*?[\\\n]/.test(path) ? [] : namesOf(path)));
  if (asked.length === 0) return found;
  const argv = ["/usr/bin/dpkg-query", "--search", "--", ...asked];
  const owned = new Set(
    (await sys.run(argv, { reads: true })).stdout.split("\n").map((line) => line.slice(line.indexOf(": ") + 2)),
  );
  return found.filter(({ path }) => !namesOf(path).some((name) => owned.has(name)));
}
