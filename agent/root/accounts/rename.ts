/**
 * Renames an account, which keeps its uid, home, ports and jobs. The home moves to the new name and a link stays at the
 * old one, so that recorded paths still lead there. The next run finishes a killed one, whatever it had done.
 */

import { setTimeout as pause } from "node:timers/promises";
import { type Change, type Step, says } from "../../lib/converge.ts";
import type { AccountPart } from "../../contract.ts";
import { Refusal } from "../../lib/errors.ts";
import type { Machine } from "../system/cached-accounts-and-units.ts";
import { runOrThrow } from "../system/privileged-operations.ts";
import { moveEntry, readLedger } from "../state/host-ledger.ts";
import { partFilesOf } from "../state/stored-parts.ts";
import { homeOf } from "./verify-ownership.ts";
import { runShadowUtility } from "./shadow-utils.ts";
import { endProcesses } from "./end-processes.ts";
import { lingerFile, userManagerOf, processesOf } from "./find-processes.ts";
import { renameFiles } from "./rename-files.ts";
import { startedUnitsOf } from "../services/unit-names.ts";
import { startAndStopUnits } from "../services/start-and-stop-units.ts";

/** The name under which this host still has the account; undefined when it has it under the present one, or not at all. */
export const presentFormerName = (m: Machine, part: AccountPart): string | undefined =>
  part.formerNames?.find((was) => isTheirs(m, part, was) && m.accounts().users.get(was)?.uid === part.uid);

/**
 * The part as of the account that is there, while it still has a former name: what the part takes away does not wait for
 * the rename. Undefined where no rename is due.
 */
export function underFormerName(m: Machine, part: AccountPart): AccountPart | undefined {
  const was = presentFormerName(m, part);
  if (was === undefined) return undefined;
  const names = [part.osUser, ...(part.formerNames ?? [])];
  return { ...part, osUser: was, formerNames: names.filter((name) => name !== was) };
}

/** Only names that this host's own ledger gave to that uid, once or now. */
function isTheirs(m: Machine, { osUser, uid }: AccountPart, was: string): boolean {
  const ledger = readLedger(m.sys);
  return (ledger.get(was) ?? ledger.get(osUser))?.uid === uid;
}

/** Nothing to do for somebody who was never renamed, and on a host that never knew them by another name. */
export function renameAccount(m: Machine, part: AccountPart): readonly (() => Step | readonly Step[])[] {
  return (part.formerNames ?? []).map((was) => () => {
    if (!isTheirs(m, part, was)) return [];
    const here = m.accounts().users.get(was)?.uid === part.uid;
    const stopped = () => [
      startAndStopUnits(m, { run: [], rest: startedUnitsOf(was) }),
      forgotten(m, part, was),
      atRest(m, part),
    ];
    const before = here ? [unused(m, part, was), ...stopped()] : [];
    // Files last: the link at the old home needs the home to have moved.
    return [...before, renamed(m, part, was), { name: "rename", differences: () => renameFiles(m, part, was) }];
  });
}

/** Their services are stopped and started again; what else of theirs runs is work, and nobody's work is ended for a name. */
function unused(m: Machine, part: AccountPart, was: string): Step {
  return {
    name: "rename",
    differences: async () => {
      // Its offboarding has ended everything, and nothing that starts since then is anybody's work.
      if (part.state === "left") return [];
      const busy = (await workOf(m, part.uid)).filter((unit) => !startedUnitsOf(was).includes(unit));
      if (busy.length === 0) return [];
      throw new Refusal(
        `${was} is to be renamed to ${part.osUser}, but is in use (${busy.join(", ")}), and an account in use cannot be ` +
          `renamed. Groups that their tier no longer gives do not wait for that and are taken from ${was}. Ask them to stop it, ` +
          `or run: tmux-persist save; systemctl stop user-${part.uid}.slice. The next delivery or hourly run continues by itself`,
      );
    },
  };
}

/** The units that their processes run in, by name; their own manager's only where it holds more than itself. */
async function workOf(m: Machine, uid: number): Promise<readonly string[]> {
  const argv = ["/usr/bin/ps", "-o", "unit:256=", "-o", "uunit:256=", "-U", String(uid)];
  const lines = (await m.sys.run(argv, { reads: true })).stdout.split("\n").filter((line) => line.trim() !== "");
  const units = lines.flatMap((line) => {
    const [unit = "", own = ""] = line.trim().split(/\s+/);
    if (unit !== userManagerOf(uid)) return [unit];
    return MANAGER.has(own) ? [] : [own];
  });
  return [...new Set(units)].sort();
}

/** What a person's manager consists of when nobody works: itself, and their message bus. */
const MANAGER = new Set(["init.scope", "dbus.service", "-"]);

/** Longer than logind remembers somebody whose last session has ended (`UserStopDelaySec`). */
const FORGET_TRIES = 75;
const FORGET_PAUSE_MS = 200;

/**
 * Logind knows people by the name under which it first saw them, and stops the service manager of whoever does not linger
 * by that name: the one that is started after the rename, with all that runs in it.
 */
function forgotten(m: Machine, { uid }: AccountPart, was: string): Step {
  const isKnown = async () => {
    const argv = ["/usr/bin/loginctl", "show-user", "--property=State", "--", String(uid)];
    return (await m.sys.run(argv, { reads: true })).code === 0;
  };
  return {
    name: "rename",
    differences: async () => {
      if (m.sys.look(lingerFile(was)) === undefined && !(await isKnown())) return [];
      const apply = async () => {
        await runOrThrow(m.sys, ["/usr/bin/loginctl", "disable-linger", "--", was]);
        for (let tried = 0; tried < FORGET_TRIES; tried += 1) {
          if (!(await isKnown())) return;
          await pause(FORGET_PAUSE_MS);
        }
        throw new Refusal(
          `logind still reports ${was} as logged in, so the account is not renamed yet; the next delivery or hourly run continues by itself`,
        );
      };
      return [{ point: "rename-linger", says: says("disable", `lingering as ${was}`), apply }];
    },
  };
}

function atRest(m: Machine, part: AccountPart): Step {
  return {
    name: "rename",
    differences: () => {
      if (processesOf(m.sys, part.uid).length === 0) return [];
      const apply = async () => {
        await m.sys.run(["/usr/bin/systemctl", "stop", userManagerOf(part.uid), `user-${part.uid}.slice`]);
        const user = [...m.accounts().users.values()].find(({ uid }) => uid === part.uid);
        if (user !== undefined) await endProcesses(m, user);
      };
      return [{ point: "rename-ledger", says: says("stop", "the user manager"), apply }];
    },
  };
}

function renamed(m: Machine, part: AccountPart, was: string): Step {
  return {
    name: "rename",
    differences: () => [...ledgerMoved(m, part, was), ...homeMoved(m, part, was), ...loginMoved(m, part, was)],
  };
}

/** First of all the parts under the old name go, or an hourly run would make that account anew. */
function ledgerMoved(m: Machine, { osUser }: AccountPart, was: string): readonly Change[] {
  const parts = partFilesOf(m.sys, was);
  if (parts.length === 0 && !readLedger(m.sys).has(was)) return [];
  const apply = () => {
    for (const path of parts) m.sys.remove(path);
    moveEntry(m.sys, was, osUser);
  };
  return [{ point: "rename-ledger", says: says("record", `the rename of ${was} to ${osUser}`), apply }];
}

/** Before the login: an account whose home is missing would be given an empty one. */
function homeMoved(m: Machine, { osUser, uid }: AccountPart, was: string): readonly Change[] {
  const [from, to] = [homeOf(was), homeOf(osUser)];
  const there = m.sys.look(from);
  if (there?.isDirectory() !== true || there.uid !== uid) return [];
  return [{ point: "rename-home", says: says("move", `${from} to ${to}`), apply: () => m.sys.renameHome(from, to) }];
}

function loginMoved(m: Machine, { osUser, uid }: AccountPart, was: string): readonly Change[] {
  const { users, groups } = m.accounts();
  const changes: Change[] = [];
  if (users.get(was)?.uid === uid) {
    const argv = ["/usr/sbin/usermod", "--login", osUser, "--home", homeOf(osUser), "--", was];
    const sentence = says("rename", `account ${was} to ${osUser}`);
    changes.push({ point: "rename-login", says: sentence, apply: () => runShadowUtility(m, argv) });
  }
  if (groups.get(was)?.gid === uid && !groups.has(osUser)) {
    const argv = ["/usr/sbin/groupmod", "--new-name", osUser, "--", was];
    const sentence = says("rename", `group ${was} to ${osUser}`);
    changes.push({ point: "rename-login", says: sentence, apply: () => runShadowUtility(m, argv) });
  }
  return changes;
}
