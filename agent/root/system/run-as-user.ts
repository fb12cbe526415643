/** Runs a program as one user, in a transient systemd unit that ends with it. */

import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { kindOf } from "../../lib/files.ts";
import { Refusal } from "../../lib/errors.ts";
import { type Ran, run, type RunOptions } from "../../lib/exec.ts";
import { ABORT_SOON } from "../../shared/worker-protocol.ts";
import type { User } from "./account-database.ts";
import { stoppedOnExit } from "./stop-child-units.ts";
import { NODE, WORKER } from "./installed-paths.ts";
import type { System } from "./privileged-operations.ts";

/** How a run that does not wait any longer ends one of its workers. */
export interface WorkerSignals {
  /** The worker is to give up every remote and finish the rest; it reads that on its standard input. */
  readonly abortSoon: AbortSignal;
  /** The worker is killed. */
  readonly abort: AbortSignal;
}

export interface UserCall {
  readonly user: User;
  /** Which of the worker's programs, by its first argument. */
  readonly worker: keyof typeof PROGRAM;
  /** All that it is told, on standard input: this person's data alone. */
  readonly task: unknown;
  readonly deadlineMs: number;
  readonly signals?: Partial<WorkerSignals>;
  /** Waits a moment for a worker of theirs that is still at work, and does not start beside it: exit code `BUSY`. */
  readonly alone?: boolean;
}

/** Another worker of this person is at work. */
export const BUSY = 75;

/**
 * The worker's answer as it came: to be checked like anything from outside, by `wholeOutput` first.
 *
 * @throws Refusal when the home is not safely theirs.
 */
export function runAsUser(sys: System, call: UserCall): Promise<Ran> {
  const { user, worker: name, task, ...rest } = call;
  return runContained(sys, { user, name, argv: PROGRAM[name], input: `${JSON.stringify(task)}\n`, ...rest });
}

/** Any program of root's own, run as the person under the same rules. */
export interface Contained {
  readonly user: User;
  /** For the unit's name. */
  readonly name: string;
  readonly argv: readonly string[];
  readonly input: string;
  readonly deadlineMs: number;
  readonly signals?: Partial<WorkerSignals>;
  readonly alone?: boolean;
}

/** A unit stops for five seconds at most before what is left of it is killed. */
const END_TIMEOUT_MS = 15_000;

const LOCKS = "/run/workstation/people";

/** @throws Refusal when the home is not safely theirs. */
export async function runContained(sys: System, call: Contained): Promise<Ran> {
  const { argv, end } = containedArgv(sys, call);
  const { abortSoon, abort } = call.signals ?? {};
  const options: RunOptions = {
    timeoutMs: call.deadlineMs + 10_000,
    input: call.input,
    ...(abort === undefined ? {} : { abort }),
    ...(abortSoon === undefined ? {} : { lastInput: { on: abortSoon, text: ABORT_SOON } }),
  };
  // Ending `systemd-run` ends nothing of the unit, which holds the pipes of its answer.
  const aborted = () => void end();
  abort?.addEventListener("abort", aborted);
  const ran = await stoppedOnExit(end, () => run(call.alone === true ? locked(call.user, argv) : argv, options));
  abort?.removeEventListener("abort", aborted);
  if (ran.timedOut || ran.overflowed) await end();
  return ran;
}

/** The command line that runs it so, and what ends everything of it. @throws Refusal when the home is not safely theirs. */
export function containedArgv(
  sys: System,
  call: Omit<Contained, "input">,
): { readonly argv: readonly string[]; end(): Promise<unknown> } {
  assertHome(sys, call.user);
  if (sys.look("/run/systemd/system") === undefined) return { argv: plainProcess(call), end: async () => undefined };
  const unit = `workstation-${call.name}-${call.user.name}-${randomBytes(4).toString("hex")}.service`;
  const end = async () => {
    await run(["/usr/bin/systemctl", "kill", "--signal=KILL", unit], { timeoutMs: END_TIMEOUT_MS });
    // One that is still about to start has nothing to be killed, and would start after all.
    await run(["/usr/bin/systemctl", "stop", unit], { timeoutMs: END_TIMEOUT_MS });
  };
  return { argv: transientUnit(call, unit), end };
}

/** The lock ends with the worker, however either of them ends; its file is root's. */
function locked({ name }: User, argv: readonly string[]): readonly string[] {
  mkdirSync(LOCKS, { recursive: true, mode: 0o700 });
  const wait = ["--exclusive", "--wait", "1", "--conflict-exit-code", String(BUSY), "--no-fork"];
  return ["/usr/bin/flock", ...wait, `${LOCKS}/${name}`, ...argv];
}

/** @throws Refusal for an answer that was late or too long. */
export function wholeOutput(ran: Ran, deadlineMs: number): string {
  if (ran.timedOut)
    throw new Refusal(`the worker did not end within ${Math.round(deadlineMs / 1000)} s and was killed`);
  if (ran.overflowed) throw new Refusal("the worker printed more than 1 MiB and was killed");
  return ran.stdout;
}

/** Refuses a home that is a link, belongs to somebody else or can be written by others: they could redirect what is done in it. */
function assertHome(sys: System, user: User): void {
  const stat = sys.look(user.home);
  if (stat === undefined) throw new Refusal(`${user.home} is missing; see the account part`);
  if (!stat.isDirectory()) throw new Refusal(`${user.home} is ${kindOf(stat)}; it must be a directory of the user`);
  if (stat.uid !== user.uid)
    throw new Refusal(`${user.home} belongs to uid ${stat.uid}; it must belong to uid ${user.uid}`);
  if ((stat.mode & 0o022) !== 0)
    throw new Refusal(
      `${user.home} is writable by others (mode ${(stat.mode & 0o777).toString(8)}); it must be writable by its owner alone`,
    );
}

/** A worker lives too shortly for node's helper threads to be worth their start. */
const START = [NODE, "--v8-pool-size=1", WORKER] as const;

/** Everybody's own worker starts in each run, so it is a small file of its own. */
const PROGRAM = {
  worker: START,
  "sessions-worker": [...START, "sessions"],
  "facts-worker": [...START, "facts"],
} as const;

/** The unit ends with its worker, with all that was started in it, and at its own deadline even if root is gone by then. */
function transientUnit({ user, argv, deadlineMs }: Omit<Contained, "input">, unit: string): readonly string[] {
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
    "--",
    // Systemd would put a variable's value in the place of each `${…}`.
    ...argv.map((word) => word.replaceAll("$", "$$$$")),
  ];
}

function plainProcess({ user, argv }: Omit<Contained, "input">): readonly string[] {
  const drop = ["--no-new-privs", "--inh-caps=-all", "--bounding-set=-all", "--reset-env"];
  return ["/usr/bin/setpriv", `--reuid=${user.uid}`, `--regid=${user.gid}`, "--init-groups", ...drop, "--", ...argv];
}
