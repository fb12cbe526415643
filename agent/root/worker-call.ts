/** Starts one person's worker and reads its answer like any input from outside: capped, timed, checked. */

import { randomBytes } from "node:crypto";
import { z } from "zod";
import { asset } from "../assets.ts";
import type { ClonesPart } from "../contract.ts";
import { kindOf } from "../disk.ts";
import { Refusal } from "../refusal.ts";
import { type Ran, run, story } from "../run.ts";
import type { WorkerLine, WorkerTask } from "../worker/task.ts";
import type { User } from "./accounts.ts";
import { AGENT, NODE } from "./layout.ts";
import type { System } from "./system.ts";

const line = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("changed"), says: z.string().max(4096) }),
  z.strictObject({ kind: z.literal("warning"), says: z.string().max(4096) }),
  z.strictObject({ kind: z.literal("failed"), step: z.string().max(64), says: z.string().max(4096) }),
  z.strictObject({ kind: z.literal("done") }),
]) satisfies z.ZodType<WorkerLine>;

export interface WorkerCall {
  readonly user: User;
  readonly part: ClonesPart;
  readonly mode: "apply" | "check";
  readonly deadlineMs: number;
  readonly failpoint: string | undefined;
}

/**
 * Everything below one home, done as that person (hard rules 1 to 5).
 *
 * @throws Refusal when the home is not safely theirs, or the worker did not answer in full and in time.
 */
export async function callWorker(sys: System, call: WorkerCall): Promise<readonly WorkerLine[]> {
  assertHome(sys, call.user);
  const { part, mode, failpoint } = call;
  const task: WorkerTask = {
    part,
    mode,
    launcher: asset("start-claude.sh"),
    ...(failpoint === undefined ? {} : { failpoint }),
  };
  const unit = `workstation-worker-${call.user.name}-${randomBytes(4).toString("hex")}.service`;
  const systemd = sys.look("/run/systemd/system") !== undefined;
  const argv = systemd ? transientUnit(call, unit) : plainProcess(call.user);
  const ran = await run(argv, { timeoutMs: call.deadlineMs + 10_000, input: JSON.stringify(task) });
  if (systemd && (ran.timedOut || ran.overflowed)) {
    await run(["/usr/bin/systemctl", "kill", "--signal=KILL", unit], { timeoutMs: 10_000 });
  }
  return answerOf(ran, call.deadlineMs);
}

/** A home that is a link, somebody else's, or open to others is not worked in (H-11). */
function assertHome(sys: System, user: User): void {
  const stat = sys.look(user.home);
  if (stat === undefined) throw new Refusal(`${user.home} is missing; the account part makes it`);
  if (!stat.isDirectory()) throw new Refusal(`${user.home} is ${kindOf(stat)}; a directory of theirs belongs there`);
  if (stat.uid !== user.uid) throw new Refusal(`${user.home} belongs to uid ${stat.uid}, so nothing is done in it`);
  if ((stat.mode & 0o022) !== 0)
    throw new Refusal(
      `${user.home} can be written by others (mode ${(stat.mode & 0o777).toString(8)}), so nothing is done in it`,
    );
}

/** The unit ends with its worker, with all that was started in it, and at its own deadline even if root is gone by then. */
function transientUnit({ user, deadlineMs }: WorkerCall, unit: string): readonly string[] {
  const properties = [
    "NoNewPrivileges=yes",
    `RuntimeMaxSec=${Math.ceil(deadlineMs / 1000)}`,
    "TimeoutStopSec=5",
    "KillMode=control-group",
    "MemoryMax=1G",
    "TasksMax=128",
    "LimitCORE=0",
    "UMask=0022",
    "WorkingDirectory=/",
  ];
  return [
    "/usr/bin/systemd-run",
    ...["--pipe", "--wait", "--collect", "--quiet", "--service-type=exec", `--unit=${unit}`],
    ...[`--uid=${user.uid}`, `--gid=${user.gid}`],
    ...properties.flatMap((property) => ["-p", property]),
    ...["--", NODE, AGENT, "worker"],
  ];
}

function plainProcess(user: User): readonly string[] {
  const drop = ["--no-new-privs", "--inh-caps=-all", "--bounding-set=-all", "--reset-env"];
  return [
    "/usr/bin/setpriv",
    `--reuid=${user.uid}`,
    `--regid=${user.gid}`,
    "--init-groups",
    ...drop,
    "--",
    NODE,
    AGENT,
    "worker",
  ];
}

/** Exported for the tests: what a worker's output means. @throws Refusal for anything but a whole, well-formed answer. */
export function answerOf(ran: Ran, deadlineMs: number): readonly WorkerLine[] {
  if (ran.timedOut)
    throw new Refusal(`their worker did not end within ${Math.round(deadlineMs / 1000)} s and was killed`);
  if (ran.overflowed) throw new Refusal("their worker said more than 1 MiB and was killed");
  const lines = ran.stdout
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
