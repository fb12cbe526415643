/** Starts one person's worker and reads its answer like any input from outside: capped, timed, checked. */

import { z } from "zod";
import { asset } from "../assets.ts";
import type { ClonesPart, CredentialsPart } from "../contract.ts";
import { Refusal } from "../refusal.ts";
import { type Ran, story } from "../run.ts";
import type { CredentialsTask, WorkerLine, WorkerTask } from "../worker/task.ts";
import type { User } from "./accounts.ts";
import { BUSY, runAsPerson, wholeOutput } from "./as-person.ts";
import type { System } from "./system.ts";
import type { Pace } from "./together.ts";

const line = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("changed"), says: z.string().max(4096) }),
  z.strictObject({ kind: z.literal("warning"), says: z.string().max(4096) }),
  z.strictObject({ kind: z.literal("failed"), step: z.string().max(64), says: z.string().max(4096) }),
  z.strictObject({ kind: z.literal("unfinished") }),
  z.strictObject({ kind: z.literal("done") }),
]) satisfies z.ZodType<WorkerLine>;

export interface WorkerCall {
  readonly user: User;
  readonly part: ClonesPart | CredentialsPart;
  readonly mode: "apply" | "check";
  readonly deadlineMs: number;
  readonly failpoint: string | undefined;
  /** No remote is asked for anything. */
  readonly offline?: boolean;
  readonly pace?: Pace;
}

/**
 * Everything below one home, done as that person.
 *
 * @throws Refusal when the home is not safely theirs, or the worker did not answer in full and in time.
 */
export async function callWorker(sys: System, call: WorkerCall): Promise<readonly WorkerLine[]> {
  const { part, mode, failpoint, pace, deadlineMs } = call;
  const armed = { ...(failpoint === undefined ? {} : { failpoint }), offline: call.offline === true };
  const task: WorkerTask | CredentialsTask =
    part.kind === "clones" ? { part, mode, launcher: asset("start-claude.sh"), ...armed } : { part, mode, ...armed };
  const options = { deadlineMs, alone: true, ...(pace === undefined ? {} : { pace }) };
  const ran = await runAsPerson(sys, { user: call.user, worker: "worker", task, ...options });
  if (ran.code === BUSY && ran.stdout === "")
    throw new Busy("a worker of theirs is still at work since an earlier run");
  if (ran.timedOut && pace?.stop.aborted)
    throw new Refusal("their worker did not end when everybody else's had, nor when it was told to, and was killed");
  return answerOf(ran, deadlineMs);
}

/** Nothing was started, since somebody else's run has one at work. */
export class Busy extends Refusal {}

/** Exported for the tests: what a worker's output means. @throws Refusal for anything but a whole, well-formed answer. */
export function answerOf(ran: Ran, deadlineMs: number): readonly WorkerLine[] {
  const lines = wholeOutput(ran, deadlineMs)
    .split("\n")
    .filter((text) => text !== "")
    .map(lineOf);
  if (lines.at(-1)?.kind !== "done") {
    const failed = lines.find((l) => l.kind === "failed");
    const why =
      failed?.kind === "failed"
        ? `${failed.step}: ${failed.says}`
        : story({ ...ran, argv: ["the worker"], stdout: "" });
    throw new Refusal(`their worker broke off: ${why}`);
  }
  return lines.slice(0, -1);
}

function lineOf(text: string): WorkerLine {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Refusal("their worker answered with something that is no report", { cause });
  }
  const parsed = line.safeParse(value);
  if (!parsed.success) throw new Refusal("their worker answered with something that is no report");
  return parsed.data;
}
