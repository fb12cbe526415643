/** Runs one call of `./ws`: finds the command, answers a wrong call with its usage, and sets the exit code. */

import { readFileSync } from "node:fs";
import { type ExitCode, UsageError } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { type Terminal, terminal } from "./terminal.ts";

/** Runs one call of `./ws`; `args` are the words after its name. */
export async function main(args: readonly string[], term: Terminal): Promise<ExitCode> {
  const [name, ...rest] = args;
  if (name === "--version" || name === "-V") {
    term.out(`ws ${version()}`);
    return 0;
  }
  if (name === undefined || name === "help" || name === "--help" || name === "-h")
    return help(rest[0], name !== undefined, term);
  const listed = COMMANDS.find((command) => command.name === name);
  if (listed === undefined) {
    term.err(`ws: there is no command "${name}"\n\n${overview()}`);
    return 2;
  }
  if (rest.includes("--help") || rest.includes("-h")) return help(name, true, term);
  const command = await listed.load();
  try {
    return await command.run(rest, term);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    term.err(`ws ${name}: ${error.message}\n\n${command.help}`);
    return 2;
  }
}

async function help(name: string | undefined, isRequested: boolean, term: Terminal): Promise<ExitCode> {
  const command = await COMMANDS.find((listed) => listed.name === name)?.load();
  const text = command?.help ?? overview();
  if (isRequested) term.out(text);
  else term.err(text);
  return isRequested ? 0 : 2;
}

function overview(): string {
  const width = Math.max(...COMMANDS.map(({ name }) => name.length));
  const lines = COMMANDS.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`);
  return [
    "Usage: ./ws COMMAND …",
    "",
    ...lines,
    "",
    "./ws COMMAND --help says more of each; ./ws --version prints the version.",
  ].join("\n");
}

function version(): string {
  const text = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { readonly version: string }).version;
}

process.exitCode = await main(process.argv.slice(2), terminal());
