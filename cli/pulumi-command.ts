/** Writes a `pulumi` command line for an operator to run: for the stack in question, and quoted for a shell where that is needed. */

import { shellQuoted } from "../clients/shell-quote.ts";
import type { StackSelection } from "./pulumi.ts";

/** @param words of the command, `config`, `set` and so on; each stays one word */
export function pulumiCommand({ stack, configFile }: StackSelection, ...words: readonly string[]): string {
  const place = [
    ...(stack === undefined ? [] : ["--stack", stack]),
    ...(configFile === undefined ? [] : ["--config-file", configFile]),
  ];
  return ["pulumi", ...words, ...place].map(shellWord).join(" ");
}

const shellWord = (word: string): string => (/^[A-Za-z0-9_./:=@%+,-]+$/.test(word) ? word : shellQuoted(word));
