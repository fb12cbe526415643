/** Queries a worker that runs as a user and validates its answer. */

import type { z } from "zod";
import { Refusal } from "../../lib/errors.ts";
import { describeFailure } from "../../lib/exec.ts";
import { parseJsonOrUndefined } from "../../lib/parse-json.ts";
import type { System } from "./privileged-operations.ts";
import { runAsUser, type UserCall, wholeOutput } from "./run-as-user.ts";

/** @throws Refusal where the worker fails, is too slow, or answers in another form */
export async function queryWorker<T>(sys: System, call: UserCall, form: z.ZodType<T>): Promise<T> {
  const ran = await runAsUser(sys, call);
  const text = wholeOutput(ran, call.deadlineMs);
  if (ran.code !== 0) throw new Refusal(describeFailure({ ...ran, argv: ["their worker"], stdout: "" }));
  const parsed = form.safeParse(parseJsonOrUndefined(text));
  if (!parsed.success) throw new Refusal("the worker's answer is malformed");
  return parsed.data;
}
