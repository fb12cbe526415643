/** Answers a sessions task from standard input, as its user, with one line of JSON. */

import { readFileSync } from "node:fs";
import { Refusal } from "../../lib/errors.ts";
import type { SessionsTask } from "../../shared/sessions/session-schemas.ts";
import { observe } from "./observe-sessions.ts";
import { forgetSessions } from "./forget-sessions.ts";
import { recreate } from "./recreate-sessions.ts";
import { type PersonHere, type Tmux, tmuxOf } from "./tmux-client.ts";

/** @throws Refusal for a socket that is not safely theirs, or a server that does not answer. */
export async function workOnSessions(): Promise<number> {
  const task: SessionsTask = JSON.parse(readFileSync(0, "utf8"));
  if (process.getuid?.() !== task.uid) throw new Refusal("this worker does not run as the user of its task");
  process.chdir("/");
  const person = { uid: task.uid, home: `/home/${task.osUser}` };
  const tmux = tmuxOf(person);
  const answer = await answerTo(task, tmux, person);
  process.stdout.write(`${JSON.stringify(answer)}\n`);
  return 0;
}

async function answerTo(task: SessionsTask, tmux: Tmux, person: PersonHere): Promise<object> {
  switch (task.do) {
    case "observe":
      return observe(tmux, person, task.revive);
    case "recreate":
      return recreate(tmux, person, task);
    case "forget":
      return forgetSessions(tmux, person, task.names, Date.now());
  }
}
