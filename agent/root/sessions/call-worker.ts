/** Starts a sessions worker as its user and validates its answer. */

import type { z } from "zod";
import { Refusal } from "../../lib/errors.ts";
import { story } from "../../lib/exec.ts";
import type { User } from "../system/account-database.ts";
import { runAsPerson, wholeOutput } from "../system/run-as-user.ts";
import type { System } from "../system/privileged-operations.ts";
import { jsonOrNothing } from "../../lib/parse-json.ts";
import {
  type Observation,
  observation,
  type Recreation,
  recreation,
  type Session,
  type SessionsTask,
} from "../../shared/sessions/session-schemas.ts";

const DEADLINE_MS = 30_000;

export const observe = (sys: System, user: User, revive: boolean): Promise<Observation> =>
  call(sys, user, { do: "observe", osUser: user.name, uid: user.uid, revive }, observation);

export const bringBack = (
  sys: System,
  user: User,
  sessions: readonly Session[],
  started: boolean,
): Promise<Recreation> =>
  call(sys, user, { do: "recreate", osUser: user.name, uid: user.uid, sessions, started }, recreation);

async function call<T>(sys: System, user: User, task: SessionsTask, schema: z.ZodType<T>): Promise<T> {
  const ran = await runAsPerson(sys, { user, worker: "sessions-worker", task, deadlineMs: DEADLINE_MS });
  const text = wholeOutput(ran, DEADLINE_MS);
  if (ran.code !== 0) throw new Refusal(story({ ...ran, argv: ["their worker"], stdout: "" }));
  const parsed = schema.safeParse(jsonOrNothing(text));
  if (!parsed.success) throw new Refusal("their worker answered with something that is no report");
  return parsed.data;
}
