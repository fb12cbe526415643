/** Starts the agent: runs one of root's commands. */

import { Refusal, messageOf } from "./lib/errors.ts";
import { command } from "./root/commands/command-line.ts";
import { factsCommand } from "./root/facts/command-line.ts";
import { sessionsCommand } from "./root/sessions/command-line.ts";

async function main(argv: readonly string[]): Promise<number> {
  if (argv[0] === "sessions") return sessionsCommand(argv.slice(1));
  if (argv[0] === "facts") return factsCommand(argv.slice(1));
  return command(argv);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`workstation: ${messageOf(error)}\n`);
  process.exitCode = error instanceof Refusal ? 2 : 70;
}
