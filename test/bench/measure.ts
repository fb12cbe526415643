/** Runs a command and says what it cost: time on the clock, and the largest memory that its processes held. */

import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

export interface Cost {
  readonly wallMs: number;
  /** Processor time of the command and of everything that it started, which other work on the machine does not lengthen. */
  readonly cpuMs: number;
  /** Sum over the command's processes of the largest resident size that each ever had. */
  readonly peakMiB: number;
}

/** @throws Error with the command's output when it fails */
export async function measure(
  argv: readonly [string, ...string[]],
  options: { readonly cwd: string; readonly env: Readonly<Record<string, string>> },
): Promise<Cost> {
  const started = performance.now();
  const child = spawn("/bin/sh", ["-c", WITH_TIMES, "sh", ...argv], {
    ...options,
    stdio: ["ignore", "pipe", "pipe", "pipe"],
  });
  let times = "";
  child.stdio[3]?.on("data", (chunk: Buffer) => (times += chunk.toString("utf8")));
  const output: Buffer[] = [];
  child.stdout?.on("data", (chunk: Buffer) => output.push(chunk));
  child.stderr?.on("data", (chunk: Buffer) => output.push(chunk));
  const peaks = new Map<number, number>();
  const sampler = setInterval(() => samplePeaks(child.pid, peaks), SAMPLE_MS);
  const code = await new Promise<number | null>((resolve, reject) => child.on("error", reject).on("close", resolve));
  clearInterval(sampler);
  const wallMs = performance.now() - started;
  if (code !== 0)
    throw new Error(`${argv.join(" ")} ended with ${code}:\n${Buffer.concat(output).toString().slice(-40000)}`);
  const peakKiB = [...peaks.values()].reduce((sum, kib) => sum + kib, 0);
  return { wallMs, cpuMs: childrenMs(times), peakMiB: peakKiB / 1024 };
}

/** The shell's own report of what its children took goes to a stream of its own. */
const WITH_TIMES = '"$@" 3>&-; code=$?; times >&3; exit $code';

/** The second line of `times`: user and system time of the children, each as `1m2.34s`. */
function childrenMs(times: string): number {
  const line = times.split("\n")[1] ?? "";
  const parts = [...line.matchAll(/(\d+)m([\d.]+)s/g)].map(
    ([, minutes, seconds]) => Number(minutes) * 60 + Number(seconds),
  );
  if (parts.length !== 2) throw new Error(`the shell did not say what its children took: ${JSON.stringify(times)}`);
  return parts.reduce((sum, seconds) => sum + seconds * 1000, 0);
}

/** The kernel keeps each process's peak, so rare samples are enough to catch it. */
const SAMPLE_MS = 100;

function samplePeaks(root: number | undefined, peaks: Map<number, number>): void {
  const parents = new Map<number, number>();
  const kib = new Map<number, number>();
  for (const entry of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    const status = statusOf(entry);
    const pid = Number(entry);
    parents.set(pid, Number(/^PPid:\s+(\d+)/m.exec(status)?.[1] ?? 0));
    kib.set(pid, Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0));
  }
  for (const [pid, peak] of kib) {
    let above: number | undefined = pid;
    while (above !== undefined && above !== root && above > 1) above = parents.get(above);
    if (above === root) peaks.set(pid, Math.max(peak, peaks.get(pid) ?? 0));
  }
}

function statusOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/status`, "utf8");
  } catch (cause) {
    // A process may end between the listing and the look.
    if (["ENOENT", "ESRCH"].includes((cause as NodeJS.ErrnoException).code ?? "")) return "";
    throw cause;
  }
}
