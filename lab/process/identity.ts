/** Identifies processes: a pid alone is reused, a pid with its start time and the boot it belongs to is not. */
import { readFile, readdir } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { readIfThere } from "../read-optional.ts";

export interface ProcessId {
  readonly pid: number;
  /** Clock ticks since boot, as `/proc/PID/stat` has it. */
  readonly startTicks: string;
  readonly boot: string;
}

/** What `/proc` says of a process at one moment. */
export interface ProcessFacts extends ProcessId {
  readonly parent: number;
  /** Pid of the session's leader. */
  readonly session: number;
  readonly zombie: boolean;
}

/** The process that has this pid now, or nothing. */
export async function lookUp(pid: number): Promise<ProcessFacts | undefined> {
  const stat = await readProcess(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  // The second field is the command in brackets and may hold anything, so the fields are counted behind its last bracket.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state = "", parent = "", , session = ""] = fields;
  const startTicks = fields[19] ?? "";
  return {
    pid,
    startTicks,
    boot: await bootId(),
    parent: Number(parent),
    session: Number(session),
    zombie: state === "Z" || state === "X",
  };
}

/** True while that very process runs; false for another one that got its pid, and for a zombie. */
export async function isAlive(id: ProcessId): Promise<boolean> {
  const now = await lookUp(id.pid);
  return now !== undefined && !now.zombie && now.startTicks === id.startTicks && now.boot === id.boot;
}

/** Signals that very process, or its whole group; a process that is gone is not an error. */
export async function signal(id: ProcessId, name: NodeJS.Signals | number, group = false): Promise<void> {
  if (!(await isAlive(id))) return;
  try {
    process.kill(group ? -id.pid : id.pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** Waits until that process is gone; answers whether it went in time. */
export async function waitUntilGone(id: ProcessId, withinMs: number): Promise<boolean> {
  const deadline = Date.now() + withinMs;
  while (await isAlive(id)) {
    if (Date.now() >= deadline) return false;
    await sleep(25);
  }
  return true;
}

/** Every process of the machine that can be looked at. */
export async function allProcesses(): Promise<ProcessFacts[]> {
  const pids = (await readdir("/proc")).filter((entry) => /^\d+$/.test(entry)).map(Number);
  const found = await Promise.all(pids.map(lookUp));
  return found.filter((facts) => facts !== undefined);
}

/** A process's environment as it was started, empty for one that is gone, is the kernel's own, or may not be looked into. */
export async function environmentOf(pid: number): Promise<ReadonlyMap<string, string>> {
  const text = (await readProcess(`/proc/${pid}/environ`)) ?? "";
  return new Map(
    text.split("\0").flatMap((pair) => {
      const at = pair.indexOf("=");
      return at < 0 ? [] : [[pair.slice(0, at), pair.slice(at + 1)] as const];
    }),
  );
}

/** A process that ends while it is read gives ESRCH; one that even root may not look into (EACCES) is none of the lab's. */
async function readProcess(path: string): Promise<string | undefined> {
  try {
    return await readIfThere(path);
  } catch (error) {
    if (["ESRCH", "EACCES"].includes((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw error;
  }
}

let boot: Promise<string> | undefined;
const bootId = (): Promise<string> => {
  boot ??= readFile("/proc/sys/kernel/random/boot_id", "utf8").then((text) => text.trim());
  return boot;
};
