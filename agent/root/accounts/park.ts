/**
 * Parks an account: its sessions are recorded and ended, and nothing of it runs or starts by itself. Back from parked, all
 * of that is restored. The account, its login and its home stay as they are.
 */

import { type Done, type Step, says } from "../../lib/converge.ts";
import { Refusal } from "../../lib/errors.ts";
import { describeFailure, type Ran } from "../../lib/exec.ts";
import type { User } from "../system/account-database.ts";
import type { Machine } from "../system/cached-accounts-and-units.ts";
import { parkingFile, readParking, removeParking, writeParking } from "../state/parking-records.ts";
import { numberOfNewest } from "../state/session-records.ts";
import { enableLinger } from "./enable-linger.ts";
import { endEverything } from "./end-sessions-and-processes.ts";
import { restoreJobs, suspendJobs, warnOfKeptJobs } from "./scheduled-jobs.ts";

type Warn = (sentence: string) => void;

/** Takes a lock of its own, so that neither a save nor a restore of the timer's or the portal's is at work. */
const TMUX_PERSIST = "/usr/local/sbin/tmux-persist";
const TIMEOUT_MS = 300_000;
/** Its exit code where that lock was not free in time. */
const LOCKED = 75;

/** Before the units stop: the sessions have to run to be recorded. */
export function recordSessions(m: Machine, user: User, warn: Warn): Step {
  return {
    name: "sessions",
    differences: () => {
      const parking = readParking(m.sys, user.name);
      // A user whose return has begun may have made other sessions.
      if (parking !== undefined && parking.returning !== true) return [];
      const apply = async () => {
        const ran = await persist(m, ["save", user.name]);
        // A server that answers nobody must not keep its person from being parked.
        if (ran.code !== 0)
          warn(`their sessions were not recorded, so an earlier record is what can be restored: ${why(ran)}`);
        else warnings(ran, user).forEach(warn);
        writeParking(m.sys, user.name, { record: numberOfNewest(m.sys, user.name) });
      };
      return [{ point: "park-record", says: says("record", "their sessions, to restore them later"), apply }];
    },
  };
}

/** After the units have stopped. What their login starts while they are parked ends with the next run. */
export function endParked(m: Machine, user: User): readonly Step[] {
  const jobs: Step = { name: "jobs", failsAlone: true, differences: () => suspendJobs(m, user) };
  return [jobs, endEverything(m, user, (pid) => isWorkerOfOurs(m, pid, user))];
}

/** Before their units start, once. Nothing to do for a user who was not parked. */
export function wakeAccount(m: Machine, user: User, warn: Warn): readonly Step[] {
  const parking = readParking(m.sys, user.name);
  if (parking === undefined || parking.returning === true) return [];
  warnOfKeptJobs(m, user.name, warn);
  return [{ name: "jobs", differences: () => restoreJobs(m, user.name) }, enableLinger(m, { osUser: user.name })];
}

/**
 * After their units have started. While the parking record is there, the next run goes on where a killed one was, and tries
 * again what failed. The newest record of sessions may be another one by now.
 */
export function restoreSessions(m: Machine, user: User, warn: Warn): Step {
  let isTried = false;
  return {
    name: "sessions",
    differences: () => {
      const parking = readParking(m.sys, user.name);
      if (parking === undefined || isTried) return [];
      const apply = async (): Promise<Done> => {
        isTried = true;
        writeParking(m.sys, user.name, { ...parking, returning: true });
        const which = parking.record === undefined ? [] : ["--record", String(parking.record)];
        const ran = await persist(m, ["restore", user.name, ...which]);
        if (ran.code === 0) {
          warnings(ran, user).forEach(warn);
          return removeParking(m.sys, user.name);
        }
        warn(
          `not every saved session was restored: ${why(ran)}; the next run tries again. To give up, remove ${parkingFile(user.name)}`,
        );
        return "not done";
      };
      return [{ point: "park-return", says: says("restore", "the saved sessions"), apply }];
    },
  };
}

async function persist(m: Machine, argv: readonly string[]): Promise<Ran> {
  const ran = await m.sys.run([TMUX_PERSIST, ...argv], { timeoutMs: TIMEOUT_MS });
  if (ran.code === LOCKED)
    throw new Refusal(
      `${TMUX_PERSIST} ${argv.join(" ")} waited in vain for another save or restore; the next run tries again`,
    );
  return ran;
}

/** What a save or a restore that went well has to say all the same, without the name that each line begins with. */
const warnings = (ran: Ran, { name }: User): readonly string[] =>
  ran.stderr
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.replace(`${name}: `, ""));

const why = (ran: Ran): string => describeFailure({ ...ran, stdout: "" }, TIMEOUT_MS);

/** A worker runs as its person, in a unit of root's that no person can enter. */
function isWorkerOfOurs(m: Machine, pid: number, user: User): boolean {
  const cgroup = m.sys.readProcess(pid, "cgroup") ?? "";
  return new RegExp(`:/system\\.slice/workstation-[a-z-]+-${user.name}-[0-9a-f]{8}\\.service$`, "m").test(cgroup);
}
