/** Asks the sessions worker of a user for what it can do. */

import type { z } from "zod";
import type { User } from "../system/account-database.ts";
import { queryWorker } from "../system/query-worker.ts";
import type { System } from "../system/privileged-operations.ts";
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

const call = <T>(sys: System, user: User, task: SessionsTask, form: z.ZodType<T>): Promise<T> =>
  queryWorker(sys, { user, worker: "sessions-worker", task, deadlineMs: DEADLINE_MS }, form);
