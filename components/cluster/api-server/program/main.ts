/**
 * Runs the installation on a control plane: node reads this program from its standard input, with the part to install
 * on the last line.
 */

import type { SignInPart } from "./contract.ts";
import { install } from "./install.ts";

/** Installs, and ends the process with 1 and a sentence when that failed. */
export async function run(part: SignInPart): Promise<void> {
  try {
    await install(part, (line) => process.stdout.write(`${line}\n`));
  } catch (cause) {
    process.stderr.write(`${cause instanceof Error ? cause.message : String(cause)}\n`);
    process.exitCode = 1;
  }
}
