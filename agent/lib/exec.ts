/** Runs one program from an argument list, with a deadline, capped output and an environment built from nothing. */

import { type ChildProcessWithoutNullStreams, spawn, type StdioOptions } from "node:child_process";
import { messageOf } from "./errors.ts";
import { clean } from "./log.ts";

export interface RunOptions {
  readonly timeoutMs: number;
  /** The whole environment; nothing is inherited. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly input?: string;
  /** Standard output and error together; what is beyond is dropped and `overflowed` says so. */
  readonly capBytes?: number;
  /** How output becomes text: UTF-8 unless told. `latin1` keeps every byte as one character. */
  readonly encoding?: "latin1";
  /** Ends it before its time, as its deadline would. */
  readonly abort?: AbortSignal;
  /** An open file of this process that the program holds open too, as its descriptor 3. */
  readonly holds?: number;
  /** Its input stays open until the signal and ends with this text: a program that reads it can end by itself. */
  readonly lastInput?: { readonly on: AbortSignal; readonly text: string };
}

export interface Ran {
  readonly argv: readonly string[];
  /** Undefined when it was ended by a signal or never started. */
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  /** Its deadline ended it, or `abort` did. */
  readonly timedOut: boolean;
  readonly overflowed: boolean;
}

export const ROOT_ENV = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LANG: "C.UTF-8", LC_ALL: "C.UTF-8" } as const;

const GRACE_MS = 5000;
const ONE_MIB = 1024 * 1024;

/** Never rejects: a program that is missing, or whose arguments are too long, is `code: undefined` with the reason in `stderr`. */
export function run(argv: readonly string[], options: RunOptions): Promise<Ran> {
  const [file = "", ...rest] = argv;
  return new Promise((resolve) => {
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    let remaining = options.capBytes ?? ONE_MIB;
    let timedOut = false;
    let overflowed = false;
    // A process group of its own, so that a deadline also reaches what the program has started.
    let child: ChildProcessWithoutNullStreams;
    try {
      const stdio: StdioOptions = ["pipe", "pipe", "pipe", ...(options.holds === undefined ? [] : [options.holds])];
      const how = { cwd: options.cwd ?? "/", env: options.env ?? ROOT_ENV, detached: true, stdio };
      child = spawn(file, rest, how) as ChildProcessWithoutNullStreams;
    } catch (error) {
      // Node.js throws some errors of the kernel (E2BIG) at once and reports others (ENOENT) as an event.
      resolve({ argv, code: undefined, stdout: "", stderr: messageOf(error), timedOut, overflowed });
      return;
    }
    const keep = (into: Buffer[]) => (chunk: Buffer) => {
      if (chunk.length > remaining) overflowed = true;
      if (remaining > 0) into.push(chunk.subarray(0, remaining));
      remaining -= chunk.length;
    };
    child.stdout.on("data", keep(out));
    child.stderr.on("data", keep(err));
    // A program that does not read its input ends the pipe early; what it answers is what counts.
    child.stdin.on("error", () => undefined);
    child.stdin.write(options.input ?? "");
    const { abort, lastInput } = options;
    const endInput = () => void child.stdin.end(lastInput?.text);
    if (lastInput === undefined || lastInput.on.aborted) endInput();
    else lastInput.on.addEventListener("abort", endInput);
    let hardDeadline: NodeJS.Timeout | undefined;
    const end = () => {
      if (timedOut) return;
      timedOut = true;
      endGroup(child.pid, "SIGTERM");
      hardDeadline = setTimeout(() => {
        endGroup(child.pid, "SIGKILL");
        child.stdout.destroy();
        child.stderr.destroy();
      }, GRACE_MS);
    };
    const deadline = setTimeout(end, options.timeoutMs);
    if (abort?.aborted) end();
    abort?.addEventListener("abort", end);
    const finish = (code: number | null, extra = "") => {
      clearTimeout(deadline);
      clearTimeout(hardDeadline);
      abort?.removeEventListener("abort", end);
      lastInput?.on.removeEventListener("abort", endInput);
      const text = (parts: Buffer[]) => Buffer.concat(parts).toString(options.encoding ?? "utf8");
      resolve({ argv, code: code ?? undefined, stdout: text(out), stderr: text(err) + extra, timedOut, overflowed });
    };
    child.on("error", (error) => finish(null, error.message));
    child.on("close", (code) => finish(code));
  });
}

/** The whole story of a program that did not succeed, in one line. */
export function describeFailure(ran: Ran, timeoutMs?: number): string {
  const how = ran.timedOut
    ? `timed out${timeoutMs === undefined ? "" : ` after ${Math.round(timeoutMs / 1000)} s`}`
    : ran.code === undefined
      ? "was ended by a signal"
      : `ended with ${ran.code}`;
  const why = clean(ran.stderr.trim() || ran.stdout.trim()).slice(0, 600);
  return `${ran.argv.join(" ").slice(0, 300)} ${how}${why === "" ? "" : `: ${why}`}`;
}

function endGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // The group may have ended by itself in the meantime.
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}
