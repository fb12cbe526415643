/** Defines the form of a command of `./ws`; each command has a file of its own in `commands/`. */

import { parseArgs, type ParseArgsConfig } from "node:util";
import type { Terminal } from "./terminal.ts";

/** 0: done. 1: problems, all of them said. 2: called the wrong way, nothing done. */
export type ExitCode = 0 | 1 | 2;

export interface Command {
  /** The whole help text of this command. */
  readonly help: string;
  readonly run: (args: readonly string[], terminal: Terminal) => ExitCode | Promise<ExitCode>;
}

/** The call itself is wrong: said with the command's usage, exit code 2. */
export class UsageError extends Error {}

/** `parseArgs`, with its complaints as a `UsageError`. */
export function readArgs<const Options extends NonNullable<ParseArgsConfig["options"]>>(
  args: readonly string[],
  options: Options,
) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (error) {
    if (error instanceof TypeError)
      throw new UsageError(error.message.split(". ")[0] ?? error.message, { cause: error });
    throw error;
  }
}
