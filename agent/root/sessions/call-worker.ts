/** Starts a sessions worker as its user and validates its answer. */

import type { z } from "zod";
import { Refusal } from "../../lib/errors.ts";
import { describeFailure } from "../../lib/exec.ts";
import type { User } from "../system/account-database.ts";
import { runAsUser, wholeOutput } from "../system/run-as-user.ts";
import type { System } from "../system/privileged-operations.ts";
import { parseJsonOrUndefined } from "../../lib/parse-json.ts";
import type { Asked } from "../../shared/sessions/restore-plan.ts";
import {
  type Forgetting,
  forgetting,
  type Observation,
  observation,
  type Recreation,
  recreation,
  type SessionsTask,
} from "../../shared/sessions/session-schemas.ts";

const DEADLINE_MS = 30_000;

export const observeByWorker = (sys: System, user: User, revive: boolean): Promise<Observation> =>
  call(sys, user, { do: "observe", osUser: user.name, uid: user.uid, revive }, observation);

export const recreateByWorker = (sys: System, user: User, asked: Asked, started: boolean): Promise<Recreation> =>
  call(sys, user, { do: "recreate", osUser: user.name, uid: user.uid, ...asked, started }, recreation);

export const forgetByWorker = (sys: System, user: User, names: readonly string[]): Promise<Forgetting> =>
  call(sys, user, { do: "forget", osUser: user.name, uid: user.uid, names }, forgetting);

async function call<T>(sys: System, user: User, task: SessionsTask, schema: z.ZodType<T>): Promise<T> {
  const ran = await runAsUser(sys, { user, worker: "sessions-worker", task, deadlineMs: DEADLINE_MS });
  const text = wholeOutput(ran, DEADLINE_MS);
  if (ran.code !== 0) throw new Refusal(describeFailure({ ...ran, argv: ["their worker"], stdout: "" }));
  const parsed = schema.safeParse(parseJsonOrUndefined(text));
  if (!parsed.success) throw new Refusal("the worker's answer is malformed");
  return parsed.data;
}
