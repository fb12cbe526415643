/** Starts the removal program, as root or as one user. No delivery and no hourly run ever starts it. */

import { Refusal, messageOf } from "../lib/errors.ts";
import { clean } from "../lib/log.ts";
import { removalCommand } from "./root/command-line.ts";
import { workOnRemoval } from "./user/answer-task.ts";

const [side] = process.argv.slice(2);
const running = side === "worker" ? workOnRemoval() : removalCommand(process.argv.slice(2));
running.then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    const refused = error instanceof Refusal;
    for (const line of messageOf(error).split("\n"))
      process.stderr.write(`${clean(side === "worker" ? line : `workstation-remove: ${line}`)}\n`);
    process.exitCode = refused ? 2 : 70;
  },
);
