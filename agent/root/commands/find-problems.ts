/**
 * Finds what is wrong on this host beyond what a run has recorded: failed units, homes, accounts that PAM refuses, limits
 * and a packet filter that others have changed. It changes nothing.
 */

import { normalize } from "node:path";
import type { AccountPart, UnitsPart } from "../../contract.ts";
import { messageOf } from "../../lib/errors.ts";
import { agesOut } from "../accounts/password-ageing.ts";
import { userManagerOf } from "../accounts/find-processes.ts";
import { skelDirectory } from "../accounts/fill-home.ts";
import { sharedUidFaults } from "../accounts/offboard.ts";
import { presentFormerName } from "../accounts/rename.ts";
import { homeOf } from "../accounts/verify-ownership.ts";
import { filterFault } from "../host/access-maps.ts";
import { HOST_UNITS } from "../host/base-files.ts";
import { WATCH } from "../host/nftables-watch.ts";
import { frontendUnits } from "../host/proxy-and-portal.ts";
import { sshdFaults } from "../host/sshd.ts";
import { sudoFault } from "../host/sudoers.ts";
import { otherLimits } from "../services/limits-in-effect.ts";
import { RUNNING } from "../services/start-and-stop-units.ts";
import { hasOffboarding } from "../state/offboarding-records.ts";
import { damageOfLedger } from "../state/host-ledger.ts";
import { damageOf, loadPart, peopleOfParts, type PersonKind, tryLoadPart } from "../state/stored-parts.ts";
import { unitsOf } from "../services/unit-names.ts";
import type { Login, User } from "../system/account-database.ts";
import type { Machine } from "../system/cached-accounts-and-units.ts";
import { runOrThrow } from "../system/privileged-operations.ts";

/** One person as they were delivered to this host. */
export interface Delivered {
  readonly osUser: string;
  readonly account: AccountPart | undefined;
  readonly units: UnitsPart | undefined;
  /** What is wrong with stored parts that cannot be read. */
  readonly damaged: readonly string[];
}

/** Everybody of whom a part was delivered. One person's damaged part keeps nobody else from being looked at. */
export function deliveredPeople(m: Machine): readonly Delivered[] {
  return peopleOfParts(m.sys).map((osUser) => {
    const damaged: string[] = [];
    const load = <K extends PersonKind>(kind: K) => {
      try {
        return loadPart(m.sys, kind, osUser);
      } catch (error) {
        damaged.push(messageOf(error));
        return undefined;
      }
    };
    const [account, units] = [load("account"), load("units")];
    load("clones");
    return { osUser, account, units, damaged };
  });
}

/** Without those that a failure of the last run, or of this one, says already. */
export const unrecorded = (problems: readonly string[], failures: readonly string[]): readonly string[] =>
  problems.filter((problem) => !failures.some((failure) => failure.includes(problem)));

/** Sentences about the host itself. */
export async function problemsOfHost(m: Machine): Promise<readonly string[]> {
  const faults = [
    damageOf(m.sys, "base"),
    damageOf(m.sys, "maps"),
    damageOfLedger(m.sys),
    skelFault(m),
    await filterFault(m),
    tryLoadPart(m.sys, "base") === undefined ? undefined : await sudoFault(m),
  ];
  const closed = [...closedToAll(m), ...(await sshdFaults(m))];
  return [...(await stoppedUnits(m)), ...faults.filter((fault) => fault !== undefined), ...closed];
}

/** The base part writes its files for new homes to `/etc/skel` alone. */
function skelFault(m: Machine): string | undefined {
  const skel = skelDirectory(m.sys).replace(/\/+$/, "");
  if (skel === SKEL || tryLoadPart(m.sys, "base") === undefined) return undefined;
  try {
    if (m.sys.look(`${skel}/start-claude.sh`) !== undefined && m.sys.look(`${skel}/.tmux.conf`) !== undefined)
      return undefined;
  } catch (error) {
    return `new homes are filled from ${skel} (SKEL in /etc/default/useradd), which cannot be looked at: ${messageOf(error)}`;
  }
  return (
    `new homes are filled from ${skel} (SKEL in /etc/default/useradd), which lacks this program's files of ${SKEL}; ` +
    `set SKEL=${SKEL}, or run: cp -a ${SKEL}/. ${skel}/`
  );
}

const SKEL = "/etc/skel";

/** Left behind by somebody's maintenance; `pam_nologin(8)` says whom it keeps out. */
const NOLOGIN = "/etc/nologin";
const closedToAll = (m: Machine): readonly string[] =>
  m.sys.look(NOLOGIN) === undefined ? [] : [`${NOLOGIN} exists, so PAM lets nobody but root log in; remove it`];

/** The host's own units, which run from its first delivery on. */
async function stoppedUnits(m: Machine): Promise<readonly string[]> {
  const base = tryLoadPart(m.sys, "base");
  if (base === undefined || base === "damaged") return [];
  const names = [...HOST_UNITS, WATCH, ...frontendUnits(base)];
  const states = await m.units([...names, HOURLY_RUN]);
  const stopped = names.flatMap((name) => {
    const state = states.get(name)?.active ?? "unknown";
    return RUNNING.has(state) ? [] : [`${name} is ${state}; run: workstation reconcile`];
  });
  const result = states.get(HOURLY_RUN)?.shown.get("Result") ?? "";
  if (RECORDED_RESULTS.has(result)) return stopped;
  return [
    ...stopped,
    `the last hourly run did not end by itself (${HOURLY_RUN}: ${result}), so it recorded nothing; run: workstation reconcile`,
  ];
}

const HOURLY_RUN = "workstation-reconcile.service";
/** Of a run that ended by itself, however: it has recorded whatever failed. */
const RECORDED_RESULTS: ReadonlySet<string> = new Set(["", "success", "exit-code"]);

/** Sentences by person; two calls of systemd for all of them together. */
export async function problemsOfPeople(
  m: Machine,
  people: readonly Delivered[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const failed = await failedUnits(m);
  const found = new Map<string, readonly string[]>();
  for (const person of people) {
    // What cannot be read of one person keeps nobody else from being looked at.
    const sentences = await problemsOf(m, person, failed).catch((error: unknown) => [
      ...person.damaged,
      messageOf(error),
    ]);
    found.set(person.osUser, [...new Set(sentences)]);
  }
  return found;
}

async function problemsOf(
  m: Machine,
  { osUser, account, units, damaged }: Delivered,
  failed: readonly FailedUnit[],
): Promise<readonly string[]> {
  const user = m.accounts().users.get(osUser);
  if (user === undefined) return [...damaged, ...missingAccount(m, account), ...sharedUid(m, account)];
  const names = new Set([...unitsOf(osUser), userManagerOf(user.uid), `user-${user.uid}.slice`]);
  const theirs = failed.filter(
    (unit) =>
      names.has(unit.id) ||
      unit.user === osUser ||
      unit.user === String(user.uid) ||
      unit.slice === `user-${user.uid}.slice`,
  );
  const here = account?.state === "present" && !hasOffboarding(m.sys, osUser);
  return [
    ...damaged,
    ...theirs.map(({ id }) => `${id} is failed`),
    ...(here ? [...refusedByPam(m, osUser), ...shellFault(m, user), ...homeFault(m, user)] : []),
    ...(here ? primaryGroupFault(m, account, user) : []),
    ...(here && units !== undefined ? await otherLimits(m, units) : []),
    ...sharedUid(m, account),
  ];
}

/** A deployment gave it to them, and nothing but their removal for good, which takes the part too, takes it away. */
function missingAccount(m: Machine, account: AccountPart | undefined): readonly string[] {
  if (account?.state !== "present" || presentFormerName(m, account) !== undefined) return [];
  return [`the account ${account.osUser} (uid ${account.uid}) is missing on this host; run: workstation reconcile`];
}

/** Of somebody present their account part fails. */
const sharedUid = (m: Machine, account: AccountPart | undefined): readonly string[] =>
  account?.state === "left" ? sharedUidFaults(m, account) : [];

interface FailedUnit {
  readonly id: string;
  readonly user: string;
  readonly slice: string;
}

async function failedUnits(m: Machine): Promise<readonly FailedUnit[]> {
  const list = ["/usr/bin/systemctl", "list-units", "--all", "--state=failed", "--plain", "--no-legend", "--no-pager"];
  const names = (await runOrThrow(m.sys, list, { reads: true }))
    .split("\n")
    .flatMap((line) => line.trim().split(/\s+/)[0] || []);
  if (names.length === 0) return [];
  const show = ["/usr/bin/systemctl", "show", "--property=Id,User,Slice", "--", ...names];
  return (await runOrThrow(m.sys, show, { reads: true }))
    .trim()
    .split(/\n\n+/)
    .map((block) => {
      const value = (key: string) => new RegExp(`^${key}=(.*)$`, "m").exec(block)?.[1] ?? "";
      return { id: value("Id"), user: value("User"), slice: value("Slice") };
    });
}

const DAY_MS = 86_400_000;

/** As `pam_unix(8)` decides on every session, whatever key or password opens it. */
function refusedByPam(m: Machine, osUser: string): readonly string[] {
  const login = m.accounts().logins.get(osUser);
  if (login === undefined)
    return ["the account has no line in /etc/shadow, so PAM refuses their sessions; to add it, run: pwconv"];
  const expired = login.expires !== undefined && login.expires * DAY_MS <= Date.now();
  return [
    ...(expired ? ["the account has expired, so PAM refuses their sessions"] : []),
    ...(login.locked && agesOut(login) ? ["the locked password ages, so PAM will refuse their sessions"] : []),
    ...(!login.locked && isPasswordExpired(login)
      ? ["the password has expired, so PAM refuses their service manager until they set a new one"]
      : []),
  ];
}

/** An adopted account with a password keeps its ageing, and no run changes its password. */
const isPasswordExpired = ({ changed, maximumDays }: Login): boolean =>
  changed === 0 ||
  (changed !== undefined && maximumDays !== undefined && Math.floor(Date.now() / DAY_MS) - changed > maximumDays);

/** One below a home is its person's own affair, and nothing of root's looks there. */
function shellFault(m: Machine, { shell }: User): readonly string[] {
  const path = normalize(shell);
  if (!path.startsWith("/") || path.startsWith("/home/") || m.sys.look(path) !== undefined) return [];
  return [`their shell ${shell} is missing, so no session of theirs starts; install it`];
}

/** No run changes it: `usermod --gid` walks the home as root. */
function primaryGroupFault(m: Machine, { groups, tierGroups }: AccountPart, { name, gid }: User): readonly string[] {
  const [primary] = [...m.accounts().groups].find(([, group]) => group.gid === gid) ?? [];
  if (primary === undefined || !tierGroups.includes(primary) || groups.includes(primary)) return [];
  return [
    `their primary group is ${primary}, which their tier does not give and no run removes; once nothing of theirs runs, run: ` +
      `usermod --gid ${name} ${name}`,
  ];
}

/** An empty mount point belongs to root. */
function homeFault(m: Machine, { name, uid }: User): readonly string[] {
  const home = homeOf(name);
  try {
    const there = m.sys.look(home);
    if (there === undefined) return [`${home} is missing`];
    if (there.uid === uid) return [];
    return [`${home} belongs to ${there.uid === 0 ? "root" : `uid ${there.uid}`}`];
  } catch (error) {
    return [messageOf(error)];
  }
}
