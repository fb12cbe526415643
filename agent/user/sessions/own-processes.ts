/** Reads a user's own processes from `/proc`, as that user. */

import { type BigIntStats, readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { lstat } from "../../lib/files.ts";
import { systemCode } from "../../lib/errors.ts";
import { pathText } from "../../shared/sessions/path-encoding.ts";
import { parseStat, type Process, type Processes } from "../../shared/sessions/process-tree.ts";
import type { Hidden } from "../../shared/sessions/session-evidence.ts";
import {
  type ListedSocket,
  listedInodes,
  listedSockets,
  mayServe,
  mayServeByCutName,
} from "../../shared/sessions/tmux-socket.ts";
import { KERNEL } from "./kernel-sockets.ts";

const MOST_PROCESSES = 10_000;

/** Somebody else's are not in it, so a server that names one gains nothing. */
export function ownProcesses(uid: number, proc = "/proc"): Processes {
  const pids = readdirSync(proc).filter((name) => /^\d+$/.test(name) && lstat(`${proc}/${name}`)?.uid === uid);
  const all = pids.slice(0, MOST_PROCESSES).flatMap((pid) => parseStat(textOf(`${proc}/${pid}/stat`)) ?? []);
  return new Map(all.map((process) => [process.pid, process]));
}

export const argvOf = (pid: number): readonly string[] => textOf(`/proc/${pid}/cmdline`).split("\0");

/** As `path-encoding.ts` writes its bytes; undefined where the process has ended. */
export const directoryOf = (pid: number): string | Hidden | undefined =>
  ofLiving(`/proc/${pid}/cwd`, (path) => pathText(readlinkSync(path, { encoding: "buffer" })));

/**
 * One variable of a process's environment as it was started with, as `path-encoding.ts` writes its bytes; undefined where
 * it is not set, or the process has ended.
 */
export function variableOf(pid: number, name: string): string | Hidden | undefined {
  const environment = ofLiving(`/proc/${pid}/environ`, (path) => readFileSync(path, "latin1")) ?? "";
  if (typeof environment !== "string") return environment;
  const all = environment.split("\0");
  const found = all.find((assignment) => assignment.startsWith(`${name}=`))?.slice(name.length + 1);
  return found === undefined || found === "" ? undefined : pathText(Buffer.from(found, "latin1"));
}

function ofLiving(path: string, read: (path: string) => string): string | Hidden | undefined {
  try {
    return read(path);
  } catch (error) {
    const code = systemCode(error) ?? "";
    if (["ENOENT", "ESRCH"].includes(code)) return undefined;
    if (["EACCES", "EPERM"].includes(code)) return { path, code };
    throw error;
  }
}

/** Who listens on a socket. */
export interface Listeners {
  /** Servers that do. */
  readonly servers: readonly number[];
  /** Those that may, and hide what they have open: they run with another group, as after `newgrp`. */
  readonly hidden: readonly number[];
  /** How many sockets of that path are listened on by nobody that shows it: so many of `hidden` listen at most. */
  readonly unclaimed: number;
}

/**
 * The tmux servers that listen on this socket, whether or not its file is still there. The kernel lists a socket by the
 * path that its server gave, also where that path led into a `/tmp` of its own (`PrivateTmp=yes`). Such a server is
 * another one with the same name, so only those count that share this process's `/tmp`.
 *
 * @throws Refusal where it cannot be told
 */
export async function listenersOn(uid: number, socket: string, kernel = KERNEL): Promise<Listeners> {
  const look = async () => lookForListeners(uid, socket, inodesOf(await kernel.listening([socket])), kernel.proc);
  const first = await look();
  return isSettled(first) ? first : look();
}

/** As `listenersOn`, by what anybody may add to: whoever listens is among them, and whoever does not may be. */
export function mayListenOn(uid: number, socket: string, { proc } = KERNEL): Listeners {
  const look = () => lookForListeners(uid, socket, listedInodes(textOf(`${proc}/net/unix`), socket), proc);
  const first = look();
  return isSettled(first) ? first : look();
}

/** A server may have started, or opened what it has, while it was looked at. */
const isSettled = ({ servers, unclaimed }: Listeners): boolean => servers.length > 0 || unclaimed === 0;

const inodesOf = (sockets: readonly ListedSocket[]): readonly string[] => sockets.map(({ inode }) => inode);

function lookForListeners(uid: number, socket: string, inodes: readonly string[], proc: string): Listeners {
  if (inodes.length === 0) return { servers: [], hidden: [], unclaimed: 0 };
  const all = serversOf(uid, proc);
  const held = new Set(all.flatMap(({ sockets }) => sockets ?? []));
  const unclaimed = inodes.filter((inode) => !held.has(inode)).length;
  const hidden = unclaimed > 0 ? hidingIn(all) : [];
  // The socket's own folder may be gone as well.
  const folder = dirname(dirname(socket));
  const here = statSync(`${proc}/self/root${folder}`, { bigint: true });
  const holding = all
    .filter(({ sockets = [] }) => sockets.some((inode) => inodes.includes(inode)))
    .filter(({ pid }) => {
      const there = folderOf(`${proc}/${pid}/root${folder}`);
      return there?.dev === here.dev && there.ino === here.ino;
    });
  const pids = holding.map(({ pid }) => pid);
  // What a server starts is a copy of it for a moment, until it runs its own program.
  const servers = holding.flatMap(({ pid, parent }) => (pids.includes(parent) ? [] : [pid]));
  return { servers, hidden, unclaimed };
}

/** A socket that a tmux server listens on: one of these processes. */
export interface ListenersElsewhere {
  readonly pids: readonly number[];
  readonly path: string;
}

/**
 * The tmux servers that listen on other sockets and not on this one, as `tmux -L`, `tmux -S` and `TMUX_TMPDIR` make them. Other
 * programs have names such as a server may have, so one that is not called tmux counts in tmux's own folder alone. What a
 * server with another group listens on is told by the sockets in that folder that no other process has.
 */
export async function listenersElsewhere(
  uid: number,
  socket: string,
  kernel = KERNEL,
): Promise<readonly ListenersElsewhere[]> {
  const isInFolder = (path: string) => path.includes(`/tmux-${uid}/`);
  const listed = listedSockets(textOf(`${kernel.proc}/net/unix`));
  const all = serversOf(uid, kernel.proc);
  const claimed = listed
    .filter(({ inode, path }) => isInFolder(path) || all.some(({ sockets }) => sockets?.includes(inode)))
    .slice(0, MOST_CLAIMED);
  if (claimed.every(({ path }) => path === socket)) return [];
  // Nothing follows from it but that they are named, so the list is enough where there is nothing better.
  const certain = await kernel.listening([...new Set(claimed.map(({ path }) => path))]).catch(() => claimed);
  const visible = all.flatMap(({ pid, name, sockets = [] }) => {
    const own = certain.flatMap(({ inode, path }) => (sockets.includes(inode) ? [path] : []));
    const path = own.find((one) => name.includes("tmux") || isInFolder(one));
    return path === undefined || own.includes(socket) ? [] : [{ pids: [pid], path }];
  });
  const held = new Set(all.flatMap(({ sockets }) => sockets ?? []));
  const unclaimed = certain.filter(({ inode, path }) => isInFolder(path) && !held.has(inode));
  const others = unclaimed.filter(({ path }) => path !== socket);
  const pids = hidingIn(all);
  // One of them has the usual socket where nobody else has it.
  const isOneMore = pids.length > (others.length < unclaimed.length ? 1 : 0);
  return [...visible, ...(isOneMore ? others.map(({ path }) => ({ pids, path })) : [])];
}

/** Far above what a person's processes listen on; `ss` is asked for all of it at once. */
const MOST_CLAIMED = 1000;

interface Server extends Process {
  /** The inodes of its sockets; undefined where it hides them. */
  readonly sockets: readonly string[] | undefined;
}

/** A name that is cut is not enough: anybody may listen on a socket of the same path in a folder tree of their own. */
const hidingIn = (all: readonly Server[]): readonly number[] =>
  all.flatMap(({ pid, name, sockets }) => (sockets === undefined && mayServe(name) ? [pid] : []));

const serversOf = (uid: number, proc: string): readonly Server[] =>
  [...ownProcesses(uid, proc).values()]
    .filter(({ name }) => mayServeByCutName(name))
    .map((process) => ({
      ...process,
      sockets: linksIn(`${proc}/${process.pid}/fd`)?.flatMap((to) => /^socket:\[(\d+)\]$/.exec(to)?.[1] ?? []),
    }));

/** Undefined where the process has ended in the meantime, hides its root or has no such folder. */
function folderOf(path: string): BigIntStats | undefined {
  try {
    return statSync(path, { bigint: true });
  } catch (error) {
    if (["ENOENT", "ESRCH", "EACCES"].includes(systemCode(error) ?? "")) return undefined;
    throw error;
  }
}

/** Where the links of a folder of `/proc` lead; none of a process that has ended. Undefined for one that hides them. */
function linksIn(folder: string): readonly string[] | undefined {
  try {
    // One that is closed in the meantime says nothing of the others.
    return readdirSync(folder).flatMap((name) => linkAt(`${folder}/${name}`) ?? []);
  } catch (error) {
    if (systemCode(error) === "EACCES") return undefined;
    if (["ENOENT", "ESRCH"].includes(systemCode(error) ?? "")) return [];
    throw error;
  }
}

function linkAt(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch (error) {
    if (["ENOENT", "ESRCH"].includes(systemCode(error) ?? "")) return undefined;
    throw error;
  }
}

/** Empty when the process has ended in the meantime. */
function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (["ENOENT", "ESRCH", "EACCES"].includes(systemCode(error) ?? "")) return "";
    throw error;
  }
}
