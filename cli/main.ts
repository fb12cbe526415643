/** `./ws`: finds the command, turns a wrong call into its usage, and leaves with the command's exit code. */

import { type Command, type ExitCode, UsageError } from "./command.ts";
import { check } from "./commands/check.ts";
import { derive } from "./commands/derive.ts";
import { history } from "./commands/history.ts";
import { importCommand } from "./commands/import.ts";
import { ledgerCommand } from "./commands/ledger.ts";
import { plan } from "./commands/plan.ts";
import { probe } from "./commands/probe.ts";
import { remove } from "./commands/remove.ts";
import { restoreHome } from "./commands/restore-home.ts";
import { status } from "./commands/status.ts";
import { type Terminal, terminal } from "./terminal.ts";

const COMMANDS: readonly Command[] = [
  check,
  derive,
  history,
  importCommand,
  ledgerCommand,
  plan,
  probe,
  remove,
  restoreHome,
  status,
];

/** Runs one call of `./ws`; `args` are the words after its name. */
export async function main(args: readonly string[], term: Terminal): Promise<ExitCode> {
  const [name, ...rest] = args;
  if (name === undefined || name === "help" || name === "--help" || name === "-h")
    return help(rest[0], name !== undefined, term);
  const command = COMMANDS.find((known) => known.name === name);
  if (command === undefined) {
    term.err(`ws: there is no command "${name}"\n\n${overview()}`);
    return 2;
  }
  if (rest.includes("--help") || rest.includes("-h")) return help(name, true, term);
  try {
    return await command.run(rest, term);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    term.err(`ws ${name}: ${error.message}\n\n${command.help}`);
    return 2;
  }
}

function help(name: string | undefined, asked: boolean, term: Terminal): ExitCode {
  const text = COMMANDS.find((command) => command.name === name)?.help ?? overview();
  if (asked) term.out(text);
  else term.err(text);
  return asked ? 0 : 2;
}

function overview(): string {
  const width = Math.max(...COMMANDS.map(({ name }) => name.length));
  const lines = COMMANDS.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`);
  return ["Usage: ./ws COMMAND …", "", ...lines, "", "./ws COMMAND --help says more of each."].join("\n");
}

process.exitCode = await main(process.argv.slice(2), terminal());
