/** Parses the command line of `tmux-persist` and runs the command that it names. */

import { parseCommandLine, printUsage, type Syntax } from "../../lib/command-line.ts";
import { Refusal } from "../../lib/errors.ts";
import { assertRoot } from "../system/assert-root.ts";
import { dryRun } from "../system/dry-run.ts";
import { realSystem } from "../system/privileged-operations.ts";
import { forget } from "./forget-session.ts";
import { restore } from "./restore-sessions.ts";
import { save } from "./save-sessions.ts";
import { sessionsStatus } from "./status.ts";

const USAGE = `usage: tmux-persist <command>
  save [<user>]                           record everybody's sessions, or those of one user
  restore [<user>] [--record N] [--json]  bring back what is missing, from the newest record or, of one user, from record N
  forget <user> <session>                 bring back this session no more: it was ended on purpose
  status [<user>] [--json]                print what runs, what could be brought back and how old the record is`;

const SYNTAX = {
  save: { operands: ["user?"] },
  restore: { options: { record: "value", json: "switch" }, operands: ["user?"] },
  forget: { operands: ["user", "session"], isOptionFree: true },
  status: { options: { json: "switch" }, operands: ["user?"] },
} as const satisfies Readonly<Record<string, Syntax>>;

const USER = /^[a-z_][a-z0-9_-]{0,31}$/;
const RECORD = /^\d{1,9}$/;

/** @returns the exit code. @throws Refusal for the operator. */
export async function sessionsCommand(argv: readonly string[]): Promise<number> {
  const line = parseCommandLine(argv, SYNTAX, USAGE);
  if (line === "help") return printUsage(USAGE);
  assertRoot("tmux-persist");
  const [user, session = ""] = line.operands;
  if (user !== undefined && !USER.test(user)) throw new Refusal(`"${user}" is not the name of a user\n${USAGE}`);
  switch (line.command) {
    case "save":
      return save(realSystem, Date.now, user);
    case "forget":
      return forget(realSystem, user ?? "", session, Date.now());
    case "restore": {
      const record = line.value("record");
      if (record !== undefined && !RECORD.test(record))
        throw new Refusal(`restore: --record must be the number of a record\n${USAGE}`);
      if (record !== undefined && user === undefined)
        throw new Refusal(`restore: --record needs a user, since records are numbered for each of them\n${USAGE}`);
      const one = user === undefined ? {} : { who: user };
      return restore(realSystem, {
        ...one,
        json: line.has("json"),
        ...(record === undefined ? {} : { record: Number(record) }),
      });
    }
    case "status":
      return sessionsStatus(dryRun(realSystem), user, line.has("json"), Date.now());
  }
}
