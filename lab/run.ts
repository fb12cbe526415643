/** Runs one command to its end: argv and no shell, an environment built from nothing, a deadline, and errors that tell all. */
import { ProgramError, runProgram } from "../clients/process/run-program.ts";
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
export async function run(argv: readonly [string, ...string[]], options: RunOptions = {}): Promise<Ran> {
  const { cwd = "/", env, input = "", timeoutMs = 60_000, accept = [0] } = options;
  const ended = await runProgram(argv, { cwd, env: { ...BASE_ENV, ...env }, input, timeoutMs }).catch((cause) => {
    if (!(cause instanceof ProgramError)) throw cause;
    throw new LabError(`${argv.join(" ")}: ${cause.message}`, { cause });
  });
  const { code, signal, timedOut, stderr } = ended;
  const stdout = ended.stdout.toString("utf8");
  if (!timedOut && code !== null && accept.includes(code)) return { code, stdout, stderr };
  const end = timedOut ? `was not done after ${timeoutMs / 1000} s` : `ended with ${signal ?? `exit code ${code}`}`;
  const tail = (stderr.trim() || stdout.trim()).split("\n").slice(-12).join("\n  ");
  throw new LabError(`${argv.join(" ")} ${end}${tail === "" ? "" : `\n  ${tail}`}`);
}
