/** Finds the assistant's processes below a tmux pane, from what the kernel reports. Pure. */

import { basename } from "node:path";

export interface Process {
  readonly pid: number;
  readonly parent: number;
  /** The kernel's short name; a program that sets its title sets this one. */
  readonly name: string;
  /** Clock ticks since boot. */
  readonly startedTicks: number;
}

export interface Assistant {
  readonly pid: number;
  readonly startedTicks: number;
  /** What `--session-id` or `--resume` says, unchecked; a program that sets its title has wiped it. */
  readonly argument?: string;
}

/** One person's own, by their ids. */
export type Processes = ReadonlyMap<number, Process>;

/** Linux tells times of processes in hundredths of a second, whatever the machine. */
export const TICKS_PER_SECOND = 100;

/** Of `/proc/<pid>/stat`. The short name may hold anything, parentheses and spaces included. */
export function parseStat(text: string): Process | undefined {
  const [, pid, name, rest] = /^(\d+) \((.*)\) (.*)$/s.exec(text) ?? [];
  if (pid === undefined || name === undefined || rest === undefined) return undefined;
  const fields = rest.split(" ");
  return { pid: Number(pid), name, parent: Number(fields[1]), startedTicks: Number(fields[19]) };
}

/** Who has started whom. */
export type Children = ReadonlyMap<number, readonly Process[]>;

export function childrenIn(all: Processes): Children {
  const children = new Map<number, Process[]>();
  for (const process of all.values()) {
    const siblings = children.get(process.parent);
    if (siblings === undefined) children.set(process.parent, [process]);
    else siblings.push(process);
  }
  return children;
}

/**
 * The assistants below a pane's process, itself included; what an assistant starts is not looked at. What is told may be
 * made up, so that a process may be its own ancestor: none is looked at twice.
 */
export function assistantsBelow(
  all: Processes,
  children: Children,
  argvOf: (pid: number) => readonly string[],
  panePid: number,
): readonly Assistant[] {
  const found: Assistant[] = [];
  const seen = new Set<number>();
  const open = [panePid];
  for (let pid = open.pop(); pid !== undefined; pid = open.pop()) {
    const process = all.get(pid);
    if (process === undefined || seen.has(pid)) continue;
    seen.add(pid);
    const argv = argvOf(pid);
    const { startedTicks } = process;
    if (isAssistant(process, argv)) {
      const argument = idArgument(argv);
      found.push({ pid, startedTicks, ...(argument === undefined ? {} : { argument }) });
    } else {
      const younger = (children.get(pid) ?? []).filter((child) => child.startedTicks >= startedTicks);
      open.push(...younger.map((child) => child.pid).reverse());
    }
  }
  return found;
}

/** Every assistant among those processes, wherever it was started, but for those that are named. */
export function assistantsExcept(
  all: Processes,
  argvOf: (pid: number) => readonly string[],
  excepted: ReadonlySet<number>,
): readonly Assistant[] {
  return [...all.values()].flatMap((process) => {
    const argv = excepted.has(process.pid) ? [] : argvOf(process.pid);
    if (excepted.has(process.pid) || !isAssistant(process, argv)) return [];
    const argument = idArgument(argv);
    const { pid, startedTicks } = process;
    return [{ pid, startedTicks, ...(argument === undefined ? {} : { argument }) }];
  });
}

function isAssistant({ name }: Process, argv: readonly string[]): boolean {
  const [program = "", script = ""] = argv;
  return (
    name === "claude" ||
    basename(program) === "claude" ||
    (/^node/.test(basename(program)) && basename(script) === "claude")
  );
}

/** What the assistant's own arguments say. A fork goes on as another conversation than the one it resumes. */
export function idArgument(argv: readonly string[]): string | undefined {
  const names = argv.includes("--fork-session") ? ["--session-id"] : ["--session-id", "--resume", "-r"];
  for (const [at, word] of argv.entries()) {
    const [, name = "", joined] = /^([^=]*)(?:=(.*))?$/s.exec(word) ?? [];
    if (names.includes(name)) return joined ?? argv[at + 1];
  }
  return undefined;
}
