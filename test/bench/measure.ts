/** Runs a command and says what it cost: time on the clock, and the largest memory that its processes held. */

import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

export interface Cost {
  readonly wallMs: number;
  /** Sum over the command's processes of the largest resident size that each ever had. */
  readonly peakMiB: number;
}

/** @throws Error with the command's output when it fails */
export async function measure(
  argv: readonly [string, ...string[]],
  options: { readonly cwd: string; readonly env: Readonly<Record<string, string>> },
): Promise<Cost> {
  const [file, ...args] = argv;
  const started = performance.now();
  const child = spawn(file, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
  const output: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => output.push(chunk));
  const peaks = new Map<number, number>();
  const sampler = setInterval(() => samplePeaks(child.pid, peaks), SAMPLE_MS);
  const code = await new Promise<number | null>((resolve, reject) => child.on("error", reject).on("close", resolve));
  clearInterval(sampler);
  const wallMs = performance.now() - started;
  if (code !== 0)
    throw new Error(`${argv.join(" ")} ended with ${code}:\n${Buffer.concat(output).toString().slice(-40000)}`);
  const peakKiB = [...peaks.values()].reduce((sum, kib) => sum + kib, 0);
  return { wallMs, peakMiB: peakKiB / 1024 };
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
