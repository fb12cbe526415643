/** Runs one program to its end: argv and no shell, with a deadline and a bound on what it may print. */

import { spawn } from "node:child_process";
import { ClientError } from "../client-error.ts";

export interface ProgramOptions {
  /** Default: the working directory. */
  readonly cwd?: string;
  /** The whole environment. Default: the caller's own. */
  readonly env?: NodeJS.ProcessEnv;
  /** Standard input. Default: nothing. */
  readonly input?: string;
  readonly timeoutMs: number;
  /** What ends a program that is late. Default: SIGKILL; SIGTERM for one that has to clean up. */
  readonly stopSignal?: "SIGKILL" | "SIGTERM";
  /** Called with each line of both outputs as it comes. */
  readonly onLine?: (line: string) => void;
}

export interface ProgramResult {
  /** null: ended by a signal. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Whether it was stopped because the time was over. */
  readonly timedOut: boolean;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** The program could not be started, or printed more than can be read. */
export class ProgramError extends ClientError {
  override readonly name = "ProgramError";
  /** The system's code, as in `ENOENT`. */
  readonly code: string | undefined;
  constructor(message: string, cause?: NodeJS.ErrnoException) {
    super(message, { cause });
    this.code = cause?.code;
  }
}

/** The state of a stack with ten thousand people is smaller. */
const MAX_OUTPUT_BYTES = 512 * 2 ** 20;
/** What a late program has printed arrives within this time; its descendants may hold its output for longer. */
const LAST_OUTPUT_MS = 1000;

/** @returns whatever the exit code is. @throws ProgramError; neither arguments nor output are repeated in it */
export function runProgram(
  [file, ...args]: readonly [string, ...string[]],
  options: ProgramOptions,
): Promise<ProgramResult> {
  const { cwd, env = process.env, input = "", timeoutMs, stopSignal = "SIGKILL", onLine } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd, env, stdio: ["pipe", "pipe", "pipe"] });
    let timedOut = false;
    // Not the option of `spawn`: its timer keeps this process alive where nothing could be started.
    const timer = setTimeout(() => {
      timedOut = true;
      if (!child.kill(stopSignal)) release();
    }, timeoutMs);
    const release = () => {
      child.stdout.destroy();
      child.stderr.destroy();
    };
    child.on("exit", () => {
      if (timedOut) setTimeout(release, LAST_OUTPUT_MS).unref();
    });
    const fail = (message: string, cause?: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      reject(new ProgramError(message, cause));
    };
    const output = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
    let bytes = 0;
    for (const name of ["stdout", "stderr"] as const) {
      child[name].on("data", (part: Buffer) => {
        bytes += part.length;
        if (bytes <= MAX_OUTPUT_BYTES) return void output[name].push(part);
        child.kill("SIGKILL");
        fail(`${file} prints more than ${MAX_OUTPUT_BYTES / 2 ** 20} MiB and was stopped`);
      });
      if (onLine !== undefined) lineByLine(child[name], onLine);
    }
    // A program that ends without reading its input closes the pipe; its exit code says what that means.
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
    child.on("error", (cause) => fail(`${file} cannot be started: ${cause.message}`, cause));
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      const stderr = Buffer.concat(output.stderr).toString("utf8");
      resolve({ code, signal, timedOut, stdout: Buffer.concat(output.stdout), stderr });
    });
  });
}

function lineByLine(stream: NodeJS.ReadableStream, onLine: (line: string) => void): void {
  let rest = "";
  const decoder = new TextDecoder();
  stream.on("data", (part: Buffer) => {
    const lines = `${rest}${decoder.decode(part, { stream: true })}`.split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) onLine(line);
  });
  stream.on("end", () => {
    if (rest !== "") onLine(rest);
  });
}
