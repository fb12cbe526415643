/** Runs one program for a step: argv and no shell, a deadline, and an answer that is never shown without being cleaned. */

import { ProgramError, runProgram } from "../clients/process/run-program.ts";
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

/** Arguments of node that start the program's own `./ws`, in its checkout. */
export const WS = ["launcher/start.mjs", "ws", "cli/main.ts"] as const;

/** Answers with any exit code. @throws StepError when the program cannot be started */
export async function run(argv: readonly [string, ...string[]], options: Run): Promise<Ran> {
  const { env = {}, timeoutMs = 60_000, ...rest } = options;
  // A deployment that is late gets the time to end its step and to write its state.
  const all = { ...rest, env: environment(env), timeoutMs, stopSignal: "SIGTERM" } as const;
  return runProgram(argv, all).catch((cause: unknown) => {
    throw cause instanceof ProgramError ? new StepError(`${cause.message}.`, { cause }) : cause;
  });
}
