/** Runs one program for a step: argv and no shell, a deadline, and an answer that is never shown without being cleaned. */

import { spawn } from "node:child_process";
import { environment, StepError } from "./environment.ts";

export interface Run {
  readonly cwd: string;
  /** Changes of the step's own environment. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly input?: string;
  /** Default: 60 s. */
  readonly timeoutMs?: number;
  /** Called with each line of both outputs as it comes. */
  readonly onLine?: (line: string) => void;
}

export interface Ran {
  /** null: ended by a signal, here the deadline. */
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Answers with any exit code. @throws StepError when the program cannot be started */
export function run(argv: readonly [string, ...string[]], options: Run): Promise<Ran> {
  const { cwd, env = {}, input = "", timeoutMs = 60_000, onLine } = options;
  const [file, ...args] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd, env: environment(env), stdio: ["pipe", "pipe", "pipe"] });
    const late = setTimeout(() => child.kill("SIGTERM"), timeoutMs);
    const parts = { out: [] as Buffer[], err: [] as Buffer[] };
    child.stdout.on("data", (part: Buffer) => parts.out.push(part));
    child.stderr.on("data", (part: Buffer) => parts.err.push(part));
    if (onLine !== undefined) for (const stream of [child.stdout, child.stderr]) lineByLine(stream, onLine);
    // A program that ends without reading its input closes the pipe; its exit code says what that means.
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
    child.on("error", (cause) => {
      clearTimeout(late);
      reject(new StepError(`${file} cannot be started: ${cause.message}.`, { cause }));
    });
    child.on("close", (code) => {
      clearTimeout(late);
      resolve({ code, stdout: Buffer.concat(parts.out), stderr: Buffer.concat(parts.err).toString("utf8") });
    });
  });
}

function lineByLine(stream: NodeJS.ReadableStream, onLine: (line: string) => void): void {
  let rest = "";
  stream.on("data", (part: Buffer) => {
    const lines = `${rest}${part.toString("utf8")}`.split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) onLine(line);
  });
  stream.on("end", () => {
    if (rest !== "") onLine(rest);
  });
}
