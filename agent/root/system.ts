/** Root's one door to the machine. It refuses every path below a home: what is there belongs to a person's worker. */

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
import { look, type NewFile, readSmall, replaceFile, syncDirectory } from "../disk.ts";
import { Refusal, systemCode } from "../refusal.ts";
import { type Ran, run, story } from "../run.ts";

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
  readLink(path: string): string | undefined;
  /** The kernel's status text of a process; undefined when it has ended. */
  readProcess(pid: number): string | undefined;
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
  /** Gives a home another name. @throws Refusal when something is there already */
  renameHome(from: string, to: string): void;
  /** A link at a home's former name, so that paths written down before still lead to it. */
  linkHome(at: string, home: string): void;
}

const COMMAND_TIMEOUT_MS = 60_000;

export const realSystem: System = {
  read: (path) => readSmall(outsideHomes(path), 8 * 1024 * 1024),
  look: (path) => look(homeOrOutside(path)),
  list: (path) => {
    const there = look(outsideHomes(path));
    return there === undefined ? undefined : readdirSync(path).sort();
  },
  readLink: (path) => (look(outsideHomes(path))?.isSymbolicLink() ? readlinkSync(path) : undefined),
  readProcess: (pid) => {
    try {
      return readFileSync(`/proc/${pid}/status`, "utf8");
    } catch (error) {
      if (systemCode(error) === "ENOENT" || systemCode(error) === "ESRCH") return undefined;
      throw error;
    }
  },
  run: (argv, { reads: _, timeoutMs = COMMAND_TIMEOUT_MS, ...options } = {}) => run(argv, { timeoutMs, ...options }),
  replaceFile: (path, file) => replaceFile(outsideHomes(path), { uid: 0, gid: 0, ...file }),
  makeDirectory: (path, mode) => {
    mkdirSync(outsideHomes(dirname(path)), { recursive: true, mode: 0o755 });
    if (look(path) === undefined) mkdirSync(path, { mode });
    withDirectory(path, (fd) => fchmodSync(fd, mode));
  },
  replaceLink: (path, target) => {
    const beside = `${dirname(outsideHomes(path))}/.${Date.now().toString(36)}.workstation-link`;
    rmSync(beside, { force: true });
    symlinkSync(target, beside);
    renameSync(beside, path);
  },
  move: (from, to) => {
    renameSync(outsideHomes(from), outsideHomes(to));
    syncDirectory(dirname(to));
  },
  remove: (path) => rmSync(outsideHomes(path), { force: true }),
  makeHome: (home, uid, gid) => {
    // Root's own and closed until its owner is right; anybody else's directory is never taken.
    if (look(homeOnly(home)) === undefined) mkdirSync(home, { mode: 0o700 });
    withDirectory(home, (fd) => {
      if (fstatSync(fd).uid !== 0) throw new Refusal(`${home} belongs to somebody`);
      fchmodSync(fd, 0o700);
      fchownSync(fd, uid, gid);
    });
  },
  closeHome: (home) => withDirectory(homeOnly(home), (fd) => fchmodSync(fd, 0o700)),
  renameHome: (from, to) => {
    // Only root writes in `/home`, so nothing can come to be there between the look and the rename.
    if (look(homeOnly(to)) !== undefined) throw new Refusal(`${to} exists already; move it away first`);
    if (look(homeOnly(from))?.isDirectory() !== true) throw new Refusal(`${from} is no directory, so it is no home`);
    renameSync(from, to);
    syncDirectory(dirname(to));
  },
  linkHome: (at, home) => {
    symlinkSync(basename(homeOnly(home)), homeOnly(at));
    syncDirectory(dirname(at));
  },
};

/** A program that must succeed. @throws Refusal with the whole story when it does not. */
export async function must(sys: System, argv: readonly string[], options?: CommandOptions): Promise<string> {
  const ran = await sys.run(argv, options);
  if (ran.code !== 0) throw new Refusal(story(ran, options?.timeoutMs ?? COMMAND_TIMEOUT_MS));
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

/** Root's file operations refuse every path below a home, so that no caller can reach one by mistake. */
export function outsideHomes(path: string): string {
  if (!path.startsWith("/") || /(^|\/)\.\.?(\/|$)|\0/.test(path)) throw new Error(`not a plain absolute path: ${path}`);
  if (path === "/home" || path.startsWith("/home/")) throw new Error(`root does not touch ${path}: it is in a home`);
  return path;
}

/** A look at the home's own entry in root's `/home` is allowed; one step further is not. */
function homeOrOutside(path: string): string {
  return /^\/home\/[a-z_][a-z0-9_-]{0,31}$/.test(path) ? path : outsideHomes(path);
}

function homeOnly(path: string): string {
  if (!/^\/home\/[a-z_][a-z0-9_-]{0,31}$/.test(path)) throw new Error(`not a home: ${path}`);
  return path;
}
