/** Starts one user's worker and validates its answer like any input from outside: capped, timed, parsed. */

import { z } from "zod";
import { asset } from "../../lib/assets.ts";
import type { ClonesPart, CredentialsPart } from "../../contract.ts";
import { Refusal } from "../../lib/errors.ts";
import { type Ran, describeFailure } from "../../lib/exec.ts";
import type { CredentialsTask, WorkerLine, WorkerTask } from "../../shared/worker-protocol.ts";
import type { User } from "../system/account-database.ts";
import { BUSY, runAsUser, wholeOutput, type WorkerSignals } from "../system/run-as-user.ts";
import type { System } from "../system/privileged-operations.ts";

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
  readonly signals?: WorkerSignals;
}

/**
 * Does everything below one home as its user.
 *
 * @throws Refusal when the home is not safely theirs, or the worker did not answer in full and in time.
 */
export async function callWorker(sys: System, call: WorkerCall): Promise<readonly WorkerLine[]> {
  const { part, mode, failpoint, signals, deadlineMs } = call;
  const armed = { ...(failpoint === undefined ? {} : { failpoint }), offline: call.offline === true };
  const task: WorkerTask | CredentialsTask =
    part.kind === "clones" ? { part, mode, launcher: asset("start-claude.sh"), ...armed } : { part, mode, ...armed };
  const options = { deadlineMs, alone: true, ...(signals === undefined ? {} : { signals }) };
  const ran = await runAsUser(sys, { user: call.user, worker: "worker", task, ...options });
  if (ran.code === BUSY && ran.stdout === "") throw new Busy("a worker of an earlier run is still running for them");
  if (ran.timedOut && signals?.abort.aborted)
    throw new Refusal(
      "the worker was still running when all others had ended, did not stop when it was told to, and was killed",
    );
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
        : describeFailure({ ...ran, argv: ["the worker"], stdout: "" });
    throw new Refusal(`the worker ended early: ${why}`);
  }
  return lines.slice(0, -1);
}

function lineOf(text: string): WorkerLine {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Refusal("the worker's answer is malformed", { cause });
  }
  const parsed = line.safeParse(value);
  if (!parsed.success) throw new Refusal("the worker's answer is malformed");
  return parsed.data;
}
