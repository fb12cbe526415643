/** Parses the command line of `tmux-persist` and runs the command that it names. */

import { type CommandLine, parseCommandLine, printUsage, type Syntax } from "../../lib/command-line.ts";
import { Refusal } from "../../lib/errors.ts";
import { assertRoot } from "../system/assert-root.ts";
import { dryRun } from "../system/dry-run.ts";
import { realSystem } from "../system/privileged-operations.ts";
import { forgetChosen } from "./forget-chosen.ts";
import { forget } from "./forget-session.ts";
import { restore } from "./restore-sessions.ts";
import { save } from "./save-sessions.ts";
import { sessionsStatus } from "./status.ts";

const USAGE = `usage: tmux-persist <command>
  save [<user>]                           record everybody's sessions, or those of one user
  restore [<user>] [--record N [--sessions LIST]] [--json]
                                          bring back what is missing, from the newest record or, of one user, from record N;
                                          with LIST (0,2,5) only the sessions at these places of it, forgotten ones too
  forget <user> <session>                 bring back this session no more: it was ended on purpose
  forget-chosen <user> --record N --sessions LIST [--json]
                                          the same for sessions of a record, in the user's own list
  status [<user>] [--json]                print what runs, what could be brought back and how old the record is`;

const SYNTAX = {
  save: { operands: ["user?"] },
  restore: { options: { record: "value", sessions: "value", json: "switch" }, operands: ["user?"] },
  "forget-chosen": { options: { record: "value", sessions: "value", json: "switch" }, operands: ["user"] },
  forget: { operands: ["user", "session"], isOptionFree: true },
  status: { options: { json: "switch" }, operands: ["user?"] },
} as const satisfies Readonly<Record<string, Syntax>>;

const USER = /^[a-z_][a-z0-9_-]{0,31}$/;
const RECORD = /^\d{1,9}$/;
const PLACES = /^\d{1,3}(,\d{1,3}){0,499}$/;

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
      const record = recordIn(line);
      const places = placesIn(line);
      if (record !== undefined && user === undefined)
        throw new Refusal(`restore: --record needs a user, since records are numbered for each of them\n${USAGE}`);
      if (places !== undefined && record === undefined)
        throw new Refusal(`restore: --sessions needs --record, since it names places in one record\n${USAGE}`);
      return restore(realSystem, {
        ...(user === undefined ? {} : { who: user }),
        json: line.has("json"),
        ...(record === undefined ? {} : { record }),
        ...(places === undefined ? {} : { places }),
      });
    }
    case "forget-chosen": {
      const [record, places] = [recordIn(line), placesIn(line)];
      if (record === undefined || places === undefined)
        throw new Refusal(`forget-chosen: --record and --sessions are required\n${USAGE}`);
      return forgetChosen(realSystem, { who: user ?? "", record, places, json: line.has("json") });
    }
    case "status":
      return sessionsStatus(dryRun(realSystem), user, line.has("json"), Date.now());
  }
}

function recordIn(line: CommandLine<string>): number | undefined {
  const record = line.value("record");
  if (record !== undefined && !RECORD.test(record))
    throw new Refusal(`${line.command}: --record must be the number of a record\n${USAGE}`);
  return record === undefined ? undefined : Number(record);
}

function placesIn(line: CommandLine<string>): readonly number[] | undefined {
  const places = line.value("sessions");
  if (places !== undefined && !PLACES.test(places))
    throw new Refusal(`${line.command}: --sessions must be places in the record, such as 0,2,5\n${USAGE}`);
  return places?.split(",").map(Number);
}
