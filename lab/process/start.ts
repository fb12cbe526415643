/** Starts a server that outlives this run, and waits for one of three outcomes: ready, died or late. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chown, mkdir, open, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { readIfThere } from "../read-optional.ts";
import type { Instance } from "../instance.ts";
import { LabError } from "../lab-error.ts";
import { withLock } from "../lock.ts";
import { BASE_ENV } from "../run.ts";
import { isAlive, lookUp, type ProcessId } from "./identity.ts";
import { fingerprintOf, readRecord, readRecords, recordFolder, writeRecord } from "./record.ts";
import { ServerFailed, tailOf } from "./server-failed.ts";
import type { ServerSpec, StartOutcome } from "./server-spec.ts";
import { killUnrecorded, MARK, stopServer } from "./stop.ts";

/**
 * Brings a server up, whatever was left of it: one that runs as asked and is ready stays as it is; one that runs
 * otherwise, hangs, or belongs to a killed run is ended and started anew. Throws `ServerFailed`.
 */
export async function startServer(instance: Instance, spec: ServerSpec): Promise<StartOutcome> {
  if (!/^[a-z0-9-]+$/.test(spec.name))
    throw new LabError(`"${spec.name}" is not a valid name for a server: use a-z, 0-9 and "-".`);
  const lock = join(await recordFolder(instance), `${spec.name}.lock`);
  return withLock(lock, { what: `starting ${spec.name}`, withinMs: spec.withinMs + 30_000 }, async () => {
    if (await runsAsAsked(instance, spec)) return "was running";
    await stopServer(instance, spec.name);
    await killUnrecorded(instance, spec.name);
    await startAnew(instance, spec);
    return "started";
  });
}

/** Where a server's words go; the log of its former run is `<name>.log.old`. */
export const logOf = (instance: Instance, name: string): string => instance.path("logs", `${name}.log`);

/** One that another run started a moment ago gets the rest of its time. */
async function runsAsAsked(instance: Instance, spec: ServerSpec): Promise<boolean> {
  const recorded = await readRecord(instance, spec.name);
  if (recorded === undefined || recorded.fingerprint !== (await fingerprintOf(spec)) || !(await isAlive(recorded)))
    return false;
  const deadline = Math.max(recorded.startedAtMs + spec.withinMs, Date.now() + PROBE_MS);
  return (await waitUntilReady(spec, deadline, () => isAlive(recorded))) === true;
}

async function startAnew(instance: Instance, spec: ServerSpec): Promise<void> {
  const log = await openLog(instance, spec.name);
  const startedAtMs = Date.now();
  const child = await spawnServer(instance, spec, log.fd).finally(() => log.close());
  const id = await identify(child, spec.name);
  if (id === undefined) return refuse(instance, spec, child, "died", "");
  const order = 1 + Math.max(0, ...(await readRecords(instance)).map((entry) => entry.order));
  await writeRecord(instance, {
    name: spec.name,
    pid: id.pid,
    startTicks: id.startTicks,
    boot: id.boot,
    order,
    startedAtMs,
    fingerprint: await fingerprintOf(spec),
    stopSignal: spec.stopSignal ?? "SIGTERM",
    stopWithinMs: spec.stopWithinMs ?? 10_000,
  });
  const status = await waitUntilReady(spec, startedAtMs + spec.withinMs, () => isAlive(id));
  if (status !== true) await refuse(instance, spec, child, (await isAlive(id)) ? "late" : "died", status);
}

/** Ends what is left of a server that did not come up, and tells why. */
async function refuse(
  instance: Instance,
  spec: ServerSpec,
  child: ChildProcess,
  outcome: "died" | "late",
  missing: string,
): Promise<never> {
  await stopServer(instance, spec.name);
  const path = logOf(instance, spec.name);
  const hasEnded = child.exitCode !== null || child.signalCode !== null;
  // /proc shows the end before node does.
  if (outcome === "died" && !hasEnded) await Promise.race([once(child, "exit"), sleep(1_000)]);
  const end = child.signalCode ?? `exit code ${child.exitCode ?? "unknown"}`;
  const why =
    outcome === "late"
      ? `runs but was not ready after ${spec.withinMs / 1000} s (${missing})`
      : `ended before it was ready, with ${end}`;
  throw new ServerFailed(spec.name, outcome, why, path, await tailOf(path));
}

/** Answers `true` when it is ready, else what was missing last; stops asking when the process is gone. */
async function waitUntilReady(
  spec: ServerSpec,
  deadlineMs: number,
  alive: () => Promise<boolean>,
): Promise<true | string> {
  let pauseMs = 50;
  for (;;) {
    const status = await spec
      .ready()
      .catch((error: unknown) => (error instanceof Error ? error.message : String(error)));
    const lives = await alive();
    if (status === true && lives) return true;
    if (!lives || Date.now() >= deadlineMs) return status === true ? "its process ended" : status;
    await sleep(Math.min(pauseMs, Math.max(1, deadlineMs - Date.now())));
    pauseMs = Math.min(500, pauseMs * 1.5);
  }
}

async function openLog(instance: Instance, name: string) {
  await mkdir(instance.path("logs"), { recursive: true, mode: 0o700 });
  const path = logOf(instance, name);
  if ((await readIfThere(path)) !== undefined) await rename(path, `${path}.old`);
  return open(path, "a", 0o600);
}

async function spawnServer(instance: Instance, spec: ServerSpec, log: number): Promise<ChildProcess> {
  const cwd = spec.cwd ?? instance.path(spec.name);
  await mkdir(cwd, { recursive: true, mode: 0o755 });
  if (spec.user !== undefined && (await stat(cwd)).uid !== spec.user.uid)
    await chown(cwd, spec.user.uid, spec.user.gid);
  const { uid, gid } = spec.user ?? {};
  const asUser =
    spec.user === undefined
      ? []
      : ["setpriv", `--reuid=${uid}`, `--regid=${gid}`, "--clear-groups", "--no-new-privs", "--"];
  const whole = [...asUser, ...spec.argv];
  const [file = "", ...args] = spec.network === "host" ? whole : instance.inside(whole);
  const mark = { [MARK.instance]: instance.dir, [MARK.server]: spec.name };
  return spawn(file, args, {
    cwd,
    detached: true,
    stdio: ["ignore", log, log],
    env: { ...BASE_ENV, HOME: cwd, ...spec.env, ...mark },
  });
}

/** Nothing for a process that has ended already. Throws `LabError` when there was never one. */
async function identify(child: ChildProcess, name: string): Promise<ProcessId | undefined> {
  child.unref();
  if (child.pid !== undefined) return lookUp(child.pid);
  const [error] = (await once(child, "error")) as [Error];
  throw new LabError(`${name}: could not be started: ${error.message}`);
}

/** How long a server that should be ready already may take to say so. */
const PROBE_MS = 2_000;
