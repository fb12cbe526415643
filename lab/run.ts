/** Runs one command to its end: argv and no shell, an environment built from nothing, a deadline, and errors that tell all. */
import { spawn } from "node:child_process";
import { LabError } from "./lab-error.ts";

export interface RunOptions {
  readonly cwd?: string;
  /** Added to PATH, HOME and LANG; nothing else of the caller's environment is handed on. */
  readonly env?: Readonly<Record<string, string>>;
  /** Standard input; never repeated in an error, so it is the way to hand over a secret. */
  readonly input?: string;
  /** Default 60 s; the command is killed when it is over. */
  readonly timeoutMs?: number;
  /** Exit codes that are an answer and not a failure. Default: 0 alone. */
  readonly accept?: readonly number[];
}

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What every program of the lab finds in its environment. */
export const BASE_ENV: Readonly<Record<string, string>> = {
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  HOME: "/nonexistent",
  LANG: "C.UTF-8",
};

/** Runs a command and answers what it said. Throws `LabError` when it cannot start, exits with another code, or is late. */
export function run(argv: readonly [string, ...string[]], options: RunOptions = {}): Promise<Ran> {
  const timeoutMs = options.timeoutMs ?? 60_000;
  const [file, ...args] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      cwd: options.cwd ?? "/",
      env: { ...BASE_ENV, ...options.env },
      stdio: ["pipe", "pipe", "pipe"],
    });
    const said = { stdout: "", stderr: "" };
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill("SIGKILL");
    }, timeoutMs);
    child.stdout.setEncoding("utf8").on("data", (text: string) => (said.stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (said.stderr += text));
    // A program that ends without reading its input closes the pipe; its exit code says what that means.
    child.stdin.on("error", () => undefined);
    child.stdin.end(options.input ?? "");
    child.on("error", (cause) => {
      clearTimeout(timer);
      reject(new LabError(`${argv.join(" ")}: could not be started: ${cause.message}`, { cause }));
    });
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      if (!late && code !== null && (options.accept ?? [0]).includes(code)) return resolve({ code, ...said });
      const end = late ? `was not done after ${timeoutMs / 1000} s` : `ended with ${signal ?? `exit code ${code}`}`;
      const tail = (said.stderr.trim() || said.stdout.trim()).split("\n").slice(-12).join("\n  ");
      reject(new LabError(`${argv.join(" ")} ${end}${tail === "" ? "" : `\n  ${tail}`}`));
    });
  });
}
