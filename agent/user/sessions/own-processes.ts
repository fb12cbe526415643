/** Reads a user's own processes from `/proc`, as that user. */

import { readdirSync, readFileSync } from "node:fs";
import { lstat } from "../../lib/files.ts";
import { systemCode } from "../../lib/errors.ts";
import { parseStat, type Processes } from "../../shared/sessions/process-tree.ts";

const MOST_PROCESSES = 10_000;

/** Somebody else's are not in it, so a server that names one gains nothing. */
export function ownProcesses(uid: number): Processes {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && lstat(`/proc/${name}`)?.uid === uid);
  const all = pids.slice(0, MOST_PROCESSES).flatMap((pid) => parseStat(textOf(`/proc/${pid}/stat`)) ?? []);
  return new Map(all.map((process) => [process.pid, process]));
}

export const argvOf = (pid: number): readonly string[] => textOf(`/proc/${pid}/cmdline`).split("\0");

/** Empty when the process has ended in the meantime. */
function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (["ENOENT", "ESRCH", "EACCES"].includes(systemCode(error) ?? "")) return "";
    throw error;
  }
}
