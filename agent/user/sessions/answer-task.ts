/** Answers a sessions task from standard input, as its user, with one line of JSON. */

import { readFileSync } from "node:fs";
import { Refusal } from "../../lib/errors.ts";
import type { SessionsTask } from "../../shared/sessions/session-schemas.ts";
import { observe } from "./observe-sessions.ts";
import { recreate } from "./recreate-sessions.ts";
import { tmuxOf } from "./tmux-client.ts";

/** @throws Refusal for a socket that is not safely theirs, or a server that does not answer. */
export async function workOnSessions(): Promise<number> {
  const task: SessionsTask = JSON.parse(readFileSync(0, "utf8"));
  if (process.getuid?.() !== task.uid) throw new Refusal("this worker does not run as the user of its task");
  process.chdir("/");
  const person = { uid: task.uid, home: `/home/${task.osUser}` };
  const tmux = tmuxOf(person);
  const answer = task.do === "observe" ? await observe(tmux, person, task.revive) : await recreate(tmux, person, task);
  process.stdout.write(`${JSON.stringify(answer)}\n`);
  return 0;
}
