/** A person's own processes as the kernel tells them, read as that person (hard rule 9). */

import { readdirSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { look } from "../../disk.ts";
import { systemCode } from "../../refusal.ts";

interface Process {
  readonly pid: number;
  readonly parent: number;
  /** The kernel's short name; a program that sets its title sets this one. */
  readonly name: string;
  /** Clock ticks since boot. */
  readonly startedTicks: number;
}

export interface Assistant {
  readonly pid: number;
  readonly startedAtMs: number;
  /** What `--session-id` or `--resume` says, unchecked; a program that sets its title has wiped it. */
  readonly argument?: string;
}

/** Linux tells times of processes in hundredths of a second, whatever the machine. */
const TICKS_PER_SECOND = 100;
const MOST_PROCESSES = 10_000;

export type Processes = ReadonlyMap<number, Process>;

/** Somebody else's are not in it, so a server that names one gains nothing. */
export function ownProcesses(uid: number): Processes {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && look(`/proc/${name}`)?.uid === uid);
  const all = pids.slice(0, MOST_PROCESSES).flatMap((pid) => parseStat(textOf(`/proc/${pid}/stat`)) ?? []);
  return new Map(all.map((process) => [process.pid, process]));
}

/** Exported for the tests. The short name may hold anything, parentheses and spaces included. */
export function parseStat(text: string): Process | undefined {
  const [, pid, name, rest] = /^(\d+) \((.*)\) (.*)$/s.exec(text) ?? [];
  if (pid === undefined || name === undefined || rest === undefined) return undefined;
  const fields = rest.split(" ");
  return { pid: Number(pid), name, parent: Number(fields[1]), startedTicks: Number(fields[19]) };
}

/** The assistants below a pane's process, itself included; what an assistant starts is not looked at. */
export function assistantsBelow(all: Processes, panePid: number): readonly Assistant[] {
  const process = all.get(panePid);
  if (process === undefined) return [];
  const argv = textOf(`/proc/${panePid}/cmdline`).split("\0");
  if (isAssistant(process, argv)) {
    const argument = idArgument(argv);
    return [{ pid: panePid, startedAtMs: startOf(process), ...(argument === undefined ? {} : { argument }) }];
  }
  const children = [...all.values()].filter((p) => p.parent === panePid && p.startedTicks >= process.startedTicks);
  return children.flatMap(({ pid }) => assistantsBelow(all, pid));
}

function isAssistant({ name }: Process, argv: readonly string[]): boolean {
  const [program = "", script = ""] = argv;
  return (
    name === "claude" ||
    basename(program) === "claude" ||
    (/^node/.test(basename(program)) && basename(script) === "claude")
  );
}

/** Exported for the tests. */
export function idArgument(argv: readonly string[]): string | undefined {
  for (const [at, word] of argv.entries()) {
    if (word === "--session-id" || word === "--resume" || word === "-r") return argv[at + 1];
    const joined = /^--(?:session-id|resume)=(.*)$/.exec(word)?.[1];
    if (joined !== undefined) return joined;
  }
  return undefined;
}

function startOf({ startedTicks }: Process): number {
  const upS = Number(textOf("/proc/uptime").split(" ")[0]);
  return Date.now() - (upS - startedTicks / TICKS_PER_SECOND) * 1000;
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
