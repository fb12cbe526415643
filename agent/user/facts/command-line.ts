/** Parses the command line of `ws-me` and runs the command that it names. */

import { parseCommandLine, printUsage, type Syntax } from "../../lib/command-line.ts";
import { Refusal } from "../../lib/errors.ts";
import { ownFile } from "./own-file.ts";
import { forgetOwn, printRecords, restoreOwn } from "./own-records.ts";
import { printOwnStatus } from "./print-own-status.ts";

const USAGE = `usage: ws-me [--json] | ws-me <command>
  (no command)                                  print the state of your workstation
  records [--json]                              list your saved records of sessions, and what would come back from each
  restore [--record N] [--json] [<session>…]    bring back what is missing of the newest record or of record N; sessions
                                                that you name come back after all if they were forgotten
  forget [--undo] [--json] <session>…           do not bring back these sessions until you ask for it; --undo offers them again`;

const SYNTAX = {
  records: { options: { json: "switch" } },
  restore: { options: { record: "value", json: "switch" }, operands: ["session…?"] },
  forget: { options: { undo: "switch", json: "switch" }, operands: ["session…"] },
} as const satisfies Readonly<Record<string, Syntax>>;

const RECORD = /^\d{1,9}$/;

/** @returns the exit code. @throws Refusal for the user. */
export async function ownCommand(argv: readonly string[]): Promise<number> {
  if (argv.length === 0 || argv[0] === "--json") {
    if (argv.length > 1) throw new Refusal(USAGE);
    return printOwnStatus(argv.length === 1);
  }
  const line = parseCommandLine(argv, SYNTAX, USAGE);
  if (line === "help") return printUsage(USAGE);
  const json = line.has("json");
  switch (line.command) {
    case "records":
      return printRecords(ownFile(), json);
    case "restore": {
      const record = line.value("record");
      if (record !== undefined && !RECORD.test(record))
        throw new Refusal(`restore: --record must be the number of a record\n${USAGE}`);
      const which = record === undefined ? {} : { record: Number(record) };
      return restoreOwn(ownFile(), { ...which, names: line.operands, json });
    }
    case "forget":
      return forgetOwn(ownFile(), { names: line.operands, undo: line.has("undo"), json });
  }
}
