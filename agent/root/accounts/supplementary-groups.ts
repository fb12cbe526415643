/**
 * Converges the supplementary groups of an account: adds those of its tier and creates the ones that the host lacks,
 * removes those that this program gave for another tier, and reports those that somebody else gave.
 */

import { type Change, type Step, says } from "../../lib/converge.ts";
import { Refusal } from "../../lib/errors.ts";
import type { AccountPart } from "../../contract.ts";
import { groupsOf, type User } from "../system/account-database.ts";
import type { Machine } from "../system/cached-accounts-and-units.ts";
import { runOrThrow } from "../system/privileged-operations.ts";
import { unitsOf } from "../services/unit-names.ts";
import { memberOf, nameOfRecord, readGranted, writeGranted } from "../state/granted-groups.ts";
import { stopAndEnd } from "./end-sessions-and-processes.ts";
import { processesInGroups } from "./find-processes.ts";
import { subordinateUids } from "./subordinate-uids.ts";
import { runShadowUtility } from "./shadow-utils.ts";

const START_TIMEOUT_MS = 90_000;
const MOST_NAMED = 10;

/** Where an earlier version left no record, the stored part names what it gave. */
const grantedTo = (m: Machine, part: AccountPart): readonly string[] =>
  readGranted(m.sys, nameOfRecord(m.sys, part)) ?? memberOf(m.accounts(), part.osUser, part.groups);

const record = (m: Machine, part: AccountPart, groups: readonly string[]): void =>
  writeGranted(m.sys, nameOfRecord(m.sys, part), groups);

/** Groups that the next run removes; the removal limits count them. */
export const groupsToRemove = (m: Machine, part: AccountPart): readonly string[] =>
  memberOf(m.accounts(), part.osUser, revokedGroups(m, part));

/** Groups that this program gave and that the account's tier no longer gives. */
const revokedGroups = (m: Machine, part: AccountPart): readonly string[] =>
  grantedTo(m, part).filter((group) => !part.groups.includes(group));

/** Adds the groups of the tier, and warns of those that somebody else gave. */
export function addGroups(m: Machine, part: AccountPart, warn: (sentence: string) => void): Step {
  const unavailable = part.groups.filter((group) => !isAvailable(m, part, group));
  if (unavailable.length > 0) warn(`this host has no group ${unavailable.join(", ")}: not added`);
  for (const group of unmanagedGroups(m, part)) {
    warn(
      `is in group ${group}, which their tier does not give, and this host has no record of having given it, so it ` +
        `stays; \`gpasswd --delete ${part.osUser} ${group}\` removes it`,
    );
  }
  return {
    name: "groups",
    differences: () => {
      const user = m.accounts().users.get(part.osUser);
      return user === undefined
        ? []
        : [...missingRecord(m, part), ...missingGroups(m, part), ...additions(m, part, user)];
    },
  };
}

/** Removes the groups that this program gave and that the tier no longer gives, and ends what still holds them. */
export function revokeGroups(m: Machine, part: AccountPart, warn: (sentence: string) => void): Step {
  return {
    name: "groups",
    differences: () => {
      const user = m.accounts().users.get(part.osUser);
      return user === undefined ? [] : removals(m, part, user, warn);
    },
  };
}

const unmanagedGroups = (m: Machine, part: AccountPart): readonly string[] => {
  const granted = grantedTo(m, part);
  return memberOf(m.accounts(), part.osUser, part.tierGroups).filter(
    (group) => !part.groups.includes(group) && !granted.includes(group),
  );
};

function missingRecord(m: Machine, part: AccountPart): readonly Change[] {
  const groups = grantedTo(m, part);
  if (readGranted(m.sys, nameOfRecord(m.sys, part)) !== undefined || groups.length === 0) return [];
  const apply = () => record(m, part, groups);
  return [
    { point: "account-groups", says: says("record", `that this program gave the groups ${groups.join(", ")}`), apply },
  ];
}

/** A group that no tier gives belongs to something else on the host and is never created. */
const isAvailable = (m: Machine, { tierGroups }: AccountPart, group: string): boolean =>
  m.accounts().groups.has(group) || tierGroups.includes(group);

function missingGroups(m: Machine, part: AccountPart): readonly Change[] {
  const create = part.groups.filter((group) => !m.accounts().groups.has(group) && isAvailable(m, part, group));
  return create.map((group) => ({
    point: "account-groups",
    says: says("create", `group ${group}, which was missing`),
    apply: async () => {
      // Forced: a package may create it in the meantime.
      await runShadowUtility(m, ["/usr/sbin/groupadd", "--force", "--system", "--", group]);
      if (m.accounts().groups.has(group)) return;
      throw new Refusal(
        `expected group ${group} in /etc/group, but found it in another source of /etc/nsswitch.conf alone, where ` +
          `no member can be added; to compare, run: getent group ${group}`,
      );
    },
  }));
}

function additions(m: Machine, part: AccountPart, user: User): readonly Change[] {
  const inNow = new Set(groupsOf(m.accounts(), user));
  const add = part.groups.filter((group) => isAvailable(m, part, group) && !inNow.has(group));
  return add.map((group) => ({
    point: "account-groups",
    says: says("add", `to group ${group}`),
    apply: async () => {
      // Recorded first: a run that is killed in between has given no group that the record does not know.
      record(m, part, [...grantedTo(m, part), group]);
      await runShadowUtility(m, ["/usr/sbin/usermod", "--append", "--groups", group, "--", part.osUser]);
    },
  }));
}

/** The record is shortened last: a run that fails or is killed before leaves the rest to the next one. */
function removals(m: Machine, part: AccountPart, user: User, warn: (sentence: string) => void): readonly Change[] {
  const revoked = revokedGroups(m, part);
  if (revoked.length === 0) return [];
  const holders = holdersOf(m, user, revoked);
  const changes = groupsToRemove(m, part).map((group): Change => {
    const apply = () => runShadowUtility(m, ["/usr/bin/gpasswd", "--delete", part.osUser, group]);
    return { point: "account-groups", says: says("remove", `from group ${group}`), apply };
  });
  if (holders.length > 0) {
    const sentence = says("end", `their sessions and processes, ${holders.length} of which held ${revoked.join(", ")}`);
    changes.push({ point: "account-groups", says: sentence, apply: () => endHolders(m, user, revoked) });
  }
  const forget = async () => {
    // A process may have started with the groups after the look above and before they were removed.
    if (holdersOf(m, user, revoked).length > 0) {
      await endHolders(m, user, revoked);
      warn(
        `their sessions and processes were ended, because some had started with ${revoked.join(", ")} in the meantime`,
      );
    }
    record(
      m,
      part,
      grantedTo(m, part).filter((group) => part.groups.includes(group)),
    );
  };
  const sentence = says("record", `that their tier no longer gives ${revoked.join(", ")}`);
  return [...changes, { point: "account-groups", says: sentence, apply: forget }];
}

/** Their processes that hold one of the groups. Their primary group does not count: every process of theirs has it. */
function holdersOf(m: Machine, user: User, groups: readonly string[]): readonly number[] {
  const gids = groups.flatMap((group) => m.accounts().groups.get(group)?.gid ?? []).filter((gid) => gid !== user.gid);
  return processesInGroups(m.sys, user.uid, gids, subordinateUids(m.sys, m.accounts(), user).isTheirs);
}

/** @throws Refusal when a process still holds one of the groups afterwards */
async function endHolders(m: Machine, user: User, groups: readonly string[]): Promise<void> {
  await endSessions(m, user);
  const left = holdersOf(m, user, groups);
  if (left.length === 0) return;
  const pids = left.slice(0, MOST_NAMED).join(",");
  throw new Refusal(
    `expected no process of ${user.name} with ${groups.join(", ")}, which their tier no longer gives, but found ` +
      `${left.length} that did not end when killed; the next delivery or hourly run tries again. To see them, run: ` +
      `ps -o pid,stat,args -p ${pids}`,
  );
}

/** A running process keeps the groups that it started with, so all sessions end and the units start again. */
async function endSessions(m: Machine, user: User): Promise<void> {
  const states = await m.units(unitsOf(user.name));
  const running = [...states].filter(([name, { active }]) => active === "active" && unitsOf(user.name).includes(name));
  await stopAndEnd(m, user);
  if (running.length > 0) {
    const names = running.map(([name]) => name);
    await runOrThrow(m.sys, ["/usr/bin/systemctl", "start", "--", ...names], { timeoutMs: START_TIMEOUT_MS });
  }
}
