/** Parses a program's command line with node's own parser, by the syntax of each of its commands. */

import { type ParseArgsConfig, parseArgs } from "node:util";
import { Refusal, systemCode } from "./errors.ts";

/** What may follow one command. Absent options and operands are none. */
export interface Syntax {
  /** By name, without the dashes: an option with a value, or a switch. */
  readonly options?: Readonly<Record<string, "value" | "switch">>;
  /** Names of operands, in their order. A last one with `?` may be missing, with `…` may be repeated. */
  readonly operands?: readonly string[];
  /** Every argument is an operand, also one that begins with a dash: a tmux session may be named so. */
  readonly isOptionFree?: boolean;
}

export interface CommandLine<Command extends string> {
  readonly command: Command;
  readonly operands: readonly string[];
  /** The value of an option; undefined where it is absent. */
  value(name: string): string | undefined;
  /** Whether a switch is there. */
  has(name: string): boolean;
}

const HELP: ReadonlySet<string> = new Set(["help", "--help", "-h"]);

/**
 * @returns `help` when help is asked for, instead of a command or for one
 * @throws Refusal with the usage for everything that it does not name, and for an option that is given twice
 */
export function parseCommandLine<Command extends string>(
  argv: readonly string[],
  syntaxes: Readonly<Record<Command, Syntax>>,
  usage: string,
): CommandLine<Command> | "help" {
  const [command, ...rest] = argv;
  if (command === undefined) throw new Refusal(`a command is missing\n${usage}`);
  if (HELP.has(command) || (rest.length === 1 && HELP.has(rest[0] ?? "") && rest[0] !== "help")) return "help";
  if (!isKey(syntaxes, command)) throw new Refusal(`unknown command "${command}"\n${usage}`);
  const syntax = syntaxes[command];
  const { values, positionals } = parsed(command, rest, syntax, usage);
  assertCount(command, positionals.length, syntax.operands ?? [], usage);
  return {
    command,
    operands: positionals,
    value: (name) => {
      const value = values[name];
      return typeof value === "string" ? value : undefined;
    },
    has: (name) => values[name] === true,
  };
}

/** What help prints. @returns the exit code */
export function printUsage(usage: string): number {
  process.stdout.write(`${usage}\n`);
  return 0;
}

function parsed(command: string, args: readonly string[], { options = {}, isOptionFree }: Syntax, usage: string) {
  const config = {
    args: isOptionFree === true ? ["--", ...args] : [...args],
    options: Object.fromEntries(
      Object.entries(options).map(([name, kind]) => [name, { type: kind === "value" ? "string" : "boolean" } as const]),
    ),
    allowPositionals: true,
    strict: true,
    tokens: true,
  } satisfies ParseArgsConfig;
  try {
    const { values, positionals, tokens } = parseArgs(config);
    const names = tokens.flatMap((token) => (token.kind === "option" ? [token.name] : []));
    const twice = names.find((name, at) => names.indexOf(name) !== at);
    if (twice !== undefined) throw new Refusal(`${command}: --${twice} is given twice\n${usage}`);
    return { values: values as Readonly<Record<string, unknown>>, positionals };
  } catch (error) {
    if (!systemCode(error)?.startsWith("ERR_PARSE_ARGS_")) throw error;
    // The parser's sentence, without its advice on how to write operands with dashes.
    throw new Refusal(`${command}: ${(error as Error).message.split(". ")[0]}\n${usage}`, { cause: error });
  }
}

function assertCount(command: string, count: number, operands: readonly string[], usage: string): void {
  const last = operands.at(-1) ?? "";
  const least = operands.length - (last.endsWith("?") ? 1 : 0);
  const most = last.includes("…") ? Number.POSITIVE_INFINITY : operands.length;
  if (count >= least && count <= most) return;
  const expected = operands.length === 0 ? "no operand" : operands.map((name) => `<${name}>`).join(" ");
  throw new Refusal(`${command}: expected ${expected}, but found ${count}\n${usage}`);
}

const isKey = <K extends string>(of: Readonly<Record<K, unknown>>, key: string): key is K => Object.hasOwn(of, key);
