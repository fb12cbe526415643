/** Starts a user's worker, their `ws-me`, or their launcher's update of clones. It is a small bundle of its own, since one starts per user and run. */

import { messageOf } from "../lib/errors.ts";
import { clean } from "../lib/log.ts";
import { workOnFacts } from "./facts/answer-task.ts";
import { ownCommand } from "./facts/command-line.ts";
import { workOnSessions } from "./sessions/answer-task.ts";
import { updateOwnClones } from "./clones/update-own-clones.ts";
import { work } from "./converge-home.ts";

const programs: Readonly<Record<string, () => Promise<number>>> = {
  work,
  sessions: workOnSessions,
  facts: workOnFacts,
  update: updateOwnClones,
  me: () => ownCommand(process.argv.slice(3)),
};
const program = programs[process.argv[2] ?? "work"] ?? work;
program().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`${clean(messageOf(error))}\n`);
    process.exitCode = 1;
  },
);
