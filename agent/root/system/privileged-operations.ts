/**
 * Performs every operation that root does on the machine, and refuses each path below a home: that is for the user's
 * own process.
 */

import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  type Stats,
  symlinkSync,
} from "node:fs";
import { basename, dirname } from "node:path";
import { lstat, type NewFile, readSmallFile, replaceFile, syncDirectory } from "../../lib/files.ts";
import { Refusal, systemCode } from "../../lib/errors.ts";
import { type Ran, run, describeFailure } from "../../lib/exec.ts";
import { assertHomeAnswers } from "./hung-mounts.ts";

export interface CommandOptions {
  readonly timeoutMs?: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** It changes nothing, so a dry run may run it too. */
  readonly reads?: boolean;
}

export interface System {
  /** Undefined when absent; throws for what is not a small regular file. */
  read(path: string): Buffer | undefined;
  look(path: string): Stats | undefined;
  /** Undefined when there is no such directory. */
  list(path: string): readonly string[] | undefined;
  /** Where a link leads, which `/home` or a home's own entry may be too; undefined for anything else. */
  readLink(path: string): string | undefined;
  /** The kernel's text about a process, its status where no other file is named; undefined when it has ended. */
  readProcess(pid: number, file?: "status" | "cgroup"): string | undefined;
  run(argv: readonly string[], options?: CommandOptions): Promise<Ran>;
  replaceFile(path: string, file: NewFile): void;
  /** With its parents; mode as given whatever the umask. Exists already: left as it is. */
  makeDirectory(path: string, mode: number): void;
  replaceLink(path: string, target: string): void;
  move(from: string, to: string): void;
  remove(path: string): void;
  /** Makes a missing home, or sets its mode to 0700: the two things that root does to a home itself. */
  makeHome(home: string, uid: number, gid: number): void;
  closeHome(home: string): void;
  /** Gives a home another name; a link to it at that name, from an earlier rename, goes. @throws Refusal when anything else is there */
  renameHome(from: string, to: string): void;
  /** A link at a home's former name, so that paths written down before still lead to it. */
  linkHome(at: string, home: string): void;
}

const COMMAND_TIMEOUT_MS = 60_000;

export const realSystem: System = {
  read: (path) => readSmallFile(assertOutsideHomes(path), 8 * 1024 * 1024),
  look: (path) => {
    if (isHome(homeOrOutside(path))) assertHomeAnswers(path);
    return lstat(path);
  },
  list: (path) => {
    const there = lstat(assertOutsideHomes(path));
    return there === undefined ? undefined : readdirSync(path).sort();
  },
  readLink: (path) => {
    if (path === "/home" || isHome(path)) assertHomeAnswers(path);
    else assertOutsideHomes(path);
    return lstat(path)?.isSymbolicLink() ? readlinkSync(path) : undefined;
  },
  readProcess: (pid, file = "status") => {
    try {
      return readFileSync(`/proc/${pid}/${file}`, "utf8");
    } catch (error) {
      if (systemCode(error) === "ENOENT" || systemCode(error) === "ESRCH") return undefined;
      throw error;
    }
  },
  run: (argv, { reads: _, timeoutMs = COMMAND_TIMEOUT_MS, ...options } = {}) => run(argv, { timeoutMs, ...options }),
  replaceFile: (path, file) => replaceFile(assertOutsideHomes(path), { uid: 0, gid: 0, ...file }),
  makeDirectory: (path, mode) => {
    mkdirSync(assertOutsideHomes(dirname(path)), { recursive: true, mode: 0o755 });
    if (lstat(path) === undefined) mkdirSync(path, { mode });
    withDirectory(path, (fd) => fchmodSync(fd, mode));
  },
  replaceLink: (path, target) => {
    const beside = `${dirname(assertOutsideHomes(path))}/.${Date.now().toString(36)}.workstation-link`;
    rmSync(beside, { force: true });
    symlinkSync(target, beside);
    renameSync(beside, path);
  },
  move: (from, to) => {
    renameSync(assertOutsideHomes(from), assertOutsideHomes(to));
    syncDirectory(dirname(to));
  },
  remove: (path) => rmSync(assertOutsideHomes(path), { force: true }),
  makeHome: (home, uid, gid) => {
    // Root's own and closed until its owner is right; anybody else's directory is never taken.
    if (lstat(homeOnly(home)) === undefined) mkdirSync(home, { mode: 0o700 });
    withDirectory(home, (fd) => {
      if (fstatSync(fd).uid !== 0)
        throw new Refusal(`${home} belongs to another user; it must belong to root until it is handed over`);
      fchmodSync(fd, 0o700);
      fchownSync(fd, uid, gid);
    });
  },
  closeHome: (home) => withDirectory(homeOnly(home), (fd) => fchmodSync(fd, 0o700)),
  renameHome: (from, to) => {
    // Only root writes in `/home`, so nothing can come to be there between the look and the rename.
    const there = lstat(homeOnly(to));
    const isOwnLink = there?.isSymbolicLink() === true && readlinkSync(to) === basename(from);
    if (there !== undefined && !isOwnLink) throw new Refusal(`${to} already exists; move it away first`);
    if (lstat(homeOnly(from))?.isDirectory() !== true)
      throw new Refusal(`${from} is not a directory, so it cannot be renamed as a home`);
    if (isOwnLink) rmSync(to);
    renameSync(from, to);
    syncDirectory(dirname(to));
  },
  linkHome: (at, home) => {
    symlinkSync(basename(homeOnly(home)), homeOnly(at));
    syncDirectory(dirname(at));
  },
};

/** A program that must succeed. @throws Refusal with the whole story when it does not. */
export async function runOrThrow(sys: System, argv: readonly string[], options?: CommandOptions): Promise<string> {
  const ran = await sys.run(argv, options);
  if (ran.code !== 0) throw new Refusal(describeFailure(ran, options?.timeoutMs ?? COMMAND_TIMEOUT_MS));
  return ran.stdout;
}

function withDirectory(path: string, act: (fd: number) => void): void {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    if (!fstatSync(fd).isDirectory()) throw new Refusal(`${path} is not a directory`);
    act(fd);
  } finally {
    closeSync(fd);
  }
}

/** Asserts that a path is not below a home, before anything is done with it. */
export function assertOutsideHomes(path: string): string {
  if (!path.startsWith("/") || /(^|\/)\.\.?(\/|$)|\0/.test(path)) throw new Error(`not a plain absolute path: ${path}`);
  if (path === "/home" || path.startsWith("/home/")) throw new Error(`root does not touch ${path}: it is in a home`);
  return path;
}

const isHome = (path: string): boolean => /^\/home\/[a-z_][a-z0-9_-]{0,31}$/.test(path);

/** A look at the home's own entry in root's `/home` is allowed; one step further is not. */
function homeOrOutside(path: string): string {
  return isHome(path) ? path : assertOutsideHomes(path);
}

function homeOnly(path: string): string {
  if (!isHome(path)) throw new Error(`not a home: ${path}`);
  return path;
}
