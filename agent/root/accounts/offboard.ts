/** Offboards an account: revokes every access, records what it revoked, and deletes nothing. */

import { type Change, type Step, says } from "../../lib/converge.ts";
import type { AccountPart } from "../../contract.ts";
import { groupsOf, type User } from "../system/account-database.ts";
import type { Machine } from "../system/cached-accounts-and-units.ts";
import { isOffboardingUnsaved, readOffboarding, writeOffboarding } from "../state/offboarding-records.ts";
import { dropPendingCredentials, hasPendingCredentials } from "../state/pending-credentials.ts";
import { memberOf } from "../state/granted-groups.ts";
import { runShadowUtility } from "./shadow-utils.ts";
import { endEverything } from "./end-sessions-and-processes.ts";
import { suspendJobs } from "./scheduled-jobs.ts";
import { homeOf, NO_LOGIN, otherAccountsOf } from "./verify-ownership.ts";
import { startedUnitsOf } from "../services/unit-names.ts";
import { startAndStopUnits } from "../services/start-and-stop-units.ts";

/** The expiry of an offboarded account: the first day after 1970-01-01, in the past for every clock. */
export const EXPIRED_DAY = 1;

/**
 * Lists the steps in their order. The record is written first, so that a killed run loses nothing. The login is cut before
 * anything is stopped, since what they run may take its time to stop. One kind of access that could not be taken, or a
 * record that could not be written, keeps no other one from being taken.
 */
export function offboardAccount(m: Machine, part: AccountPart): readonly Step[] {
  const user = m.accounts().users.get(part.osUser);
  if (user === undefined) return [];
  return [
    recorded(m, part, user),
    loginCut(m, part),
    groupsCut(m, part),
    jobsCut(m, part, user),
    startAndStopUnits(m, { run: [], rest: startedUnitsOf(part.osUser) }),
    endEverything(m, user),
  ].map((step): Step => ({ ...step, failsAlone: true }));
}

/** Warns, before an account is offboarded, of what somebody changed of it. Nothing of that is changed back. */
export function warnOfChangedAccount(m: Machine, part: AccountPart, warn: (sentence: string) => void): void {
  const user = m.accounts().users.get(part.osUser);
  if (user === undefined) return;
  const home = homeOf(part.osUser);
  if (user.home !== home) warn(`the account's home is ${user.home}, expected ${home}; both are left as they are`);
  if (NO_LOGIN.test(user.shell)) warn(`the account's shell is ${user.shell}, expected ${part.shell}; it stays`);
  for (const sentence of sharedUidFaults(m, part)) warn(sentence);
}

/** Another account with the uid of somebody who left is not locked by their offboarding. One that has expired lets nobody in. */
export function sharedUidFaults(m: Machine, part: AccountPart): readonly string[] {
  const open = otherAccountsOf(m, part).filter((other) => m.accounts().logins.get(other)?.expires !== EXPIRED_DAY);
  return open.map(
    (other) =>
      `the account ${other} has uid ${part.uid} too, so a login to it is a login of ${part.osUser}; ` +
      `remove it, or run: usermod --lock --expiredate ${EXPIRED_DAY} ${other}`,
  );
}

/** The tier's groups that they are in, by name. */
const tierGroupsOf = (m: Machine, part: AccountPart, user: User): readonly string[] => {
  const inNow = new Set(groupsOf(m.accounts(), user));
  return part.tierGroups.filter((group) => inNow.has(group));
};

function recorded(m: Machine, part: AccountPart, user: User): Step {
  return {
    name: "cut",
    differences: () => {
      if (!isOffboardingUnsaved(m.sys, part.osUser)) return [];
      const login = m.accounts().logins.get(part.osUser);
      const record = readOffboarding(m.sys, part.osUser) ?? {
        locked: login?.locked ?? true,
        // A record that is made after the cut, since the disk took none before, cannot know the expiry of before.
        ...(login?.expires === undefined || login.expires === EXPIRED_DAY ? {} : { expires: login.expires }),
        groups: [...tierGroupsOf(m, part, user)],
      };
      const apply = () => writeOffboarding(m.sys, part.osUser, record);
      return [{ point: "cut-record", says: says("record", "what offboarding revokes, for a later return"), apply }];
    },
  };
}

function loginCut(m: Machine, part: AccountPart): Step {
  const usermod = (...rest: string[]) => runShadowUtility(m, ["/usr/sbin/usermod", ...rest, "--", part.osUser]);
  return {
    name: "cut",
    differences: () => {
      const login = m.accounts().logins.get(part.osUser);
      const changes: Change[] = [];
      if (login?.locked !== true) {
        changes.push({ point: "cut-lock", says: says("lock", "the password"), apply: () => usermod("--lock") });
      }
      if (login?.expires !== EXPIRED_DAY) {
        // A locked password does not stop an SSH key; an expired account does.
        changes.push({
          point: "cut-expire",
          says: says("expire", "the account"),
          apply: () => usermod("--expiredate", String(EXPIRED_DAY)),
        });
      }
      return changes;
    },
  };
}

/** A primary group is no membership that could be removed; nothing of theirs runs with it once all of theirs has ended. */
function groupsCut(m: Machine, part: AccountPart): Step {
  return {
    name: "cut",
    differences: () =>
      memberOf(m.accounts(), part.osUser, part.tierGroups).map((group) => {
        const apply = () => runShadowUtility(m, ["/usr/bin/gpasswd", "--delete", part.osUser, group]);
        return { point: "cut-group", says: says("remove", `from group ${group}`), apply };
      }),
  };
}

const jobsCut = (m: Machine, part: AccountPart, user: User): Step => ({
  name: "cut",
  differences: () => [...suspendJobs(m, user), ...waitingCut(m, part.osUser)],
});

/** A token that never reached their home is not to reach it now, nor on their return, when there is another one. */
function waitingCut(m: Machine, osUser: string): readonly Change[] {
  if (!hasPendingCredentials(m.sys, osUser)) return [];
  const apply = () => dropPendingCredentials(m.sys, osUser);
  return [{ point: "cut-credentials", says: says("remove", "credentials that were not delivered yet"), apply }];
}
