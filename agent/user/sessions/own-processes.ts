/** Reads a user's own processes from `/proc`, as that user. */

import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { lstat } from "../../lib/files.ts";
import { systemCode } from "../../lib/errors.ts";
import { pathText } from "../../shared/sessions/path-encoding.ts";
import { parseStat, type Processes } from "../../shared/sessions/process-tree.ts";

const MOST_PROCESSES = 10_000;

/** Somebody else's are not in it, so a server that names one gains nothing. */
export function ownProcesses(uid: number): Processes {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && lstat(`/proc/${name}`)?.uid === uid);
  const all = pids.slice(0, MOST_PROCESSES).flatMap((pid) => parseStat(textOf(`/proc/${pid}/stat`)) ?? []);
  return new Map(all.map((process) => [process.pid, process]));
}

export const argvOf = (pid: number): readonly string[] => textOf(`/proc/${pid}/cmdline`).split("\0");

/**
 * One variable of a process's environment as it was started with, as `path-encoding.ts` writes its bytes; undefined where
 * it is not set, or the process has ended or hides it.
 */
export function variableOf(pid: number, name: string): string | undefined {
  const all = textOf(`/proc/${pid}/environ`, "latin1").split("\0");
  const found = all.find((assignment) => assignment.startsWith(`${name}=`))?.slice(name.length + 1);
  return found === undefined || found === "" ? undefined : pathText(Buffer.from(found, "latin1"));
}

/** The processes that listen on this socket, whether or not its file is still there. */
export function listenersOn(uid: number, socket: string): readonly number[] {
  const lines = textOf("/proc/net/unix").split("\n");
  // Num RefCount Protocol Flags Type St Inode Path
  const inodes = lines.flatMap((line) => {
    const [, , , , , , inode, path] = line.trim().split(/ +/);
    return path === socket && inode !== undefined ? [`socket:[${inode}]`] : [];
  });
  if (inodes.length === 0) return [];
  const servers = [...ownProcesses(uid).values()].filter(({ name }) => name.startsWith("tmux: server"));
  return servers.map(({ pid }) => pid).filter((pid) => linksIn(`/proc/${pid}/fd`).some((to) => inodes.includes(to)));
}

/** Where the links of a folder of `/proc` lead; none of a process that has ended. */
function linksIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).map((name) => readlinkSync(`${folder}/${name}`));
  } catch (error) {
    if (["ENOENT", "ESRCH", "EACCES"].includes(systemCode(error) ?? "")) return [];
    throw error;
  }
}

/** Empty when the process has ended in the meantime. */
function textOf(path: string, encoding: "utf8" | "latin1" = "utf8"): string {
  try {
    return readFileSync(path, encoding);
  } catch (error) {
    if (["ENOENT", "ESRCH", "EACCES"].includes(systemCode(error) ?? "")) return "";
    throw error;
  }
}
