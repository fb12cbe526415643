/** Creates an account with shadow-utils, locked from its first moment, and keeps its home closed to others. */

import { type Change, type Step, says } from "../../lib/converge.ts";
import type { AccountPart } from "../../contract.ts";
import { kindOf } from "../../lib/files.ts";
import { Refusal } from "../../lib/errors.ts";
import type { Machine } from "../system/cached-accounts-and-units.ts";
import { everConverged } from "../state/converged-versions.ts";
import { readLedger } from "../state/host-ledger.ts";
import { homeOf } from "./verify-ownership.ts";
import { runShadowUtility } from "./shadow-utils.ts";

/** `useradd` without a password leaves the account locked, so at no moment can anybody log in with one. */
export function createAccount(m: Machine, part: AccountPart): Step {
  return {
    name: "account",
    differences: () => {
      const { users, groups, logins } = m.accounts();
      const user = users.get(part.osUser);
      const home = homeOf(part.osUser);
      if (user === undefined) {
        const group = groups.get(part.osUser);
        if (group !== undefined && (group.gid !== part.uid || group.members.size > 0)) {
          throw new Refusal(
            `a group ${part.osUser} (gid ${group.gid}) exists on this host and belongs to another user; rename the group or the user`,
          );
        }
        if (m.sys.look(part.shell) === undefined)
          throw new Refusal(`the shell ${part.shell} is not installed on this host`);
        if (m.sys.look(home) !== undefined) {
          throw new Refusal(
            `${home} exists, but the account does not; move the directory away or restore its owner first`,
          );
        }
        return [
          {
            point: "account-create",
            says: says("create", `the account (uid ${part.uid})`),
            apply: () => create(m, part, group !== undefined),
          },
        ];
      }
      const changes: Change[] = [];
      const there = m.sys.look(home);
      const adopted = readLedger(m.sys).get(part.osUser)?.adopted === true;
      // A run that was killed while it made the home leaves it root's own, so root's own is as good as missing.
      if (there === undefined || (there.isDirectory() && there.uid === 0 && !adopted)) {
        assertNeverMade(m, part, home, there === undefined ? "is missing" : "belongs to root");
        const apply = () => m.sys.makeHome(home, user.uid, user.gid);
        changes.push({ point: "account-home", says: says("create", `${home}, which was missing`), apply });
      } else if (!there.isDirectory()) {
        throw new Refusal(`${home} is ${kindOf(there)}; it must be a directory of ${part.osUser}`);
      } else if (there.uid !== user.uid) {
        throw new Refusal(`${home} belongs to uid ${there.uid}; it must belong to ${part.osUser}`);
      }
      if (there?.isDirectory() && !adopted && (there.mode & 0o7777) !== 0o700) {
        changes.push({
          point: "account-home-mode",
          says: says("set", `${home} to mode 0700`),
          apply: () => m.sys.closeHome(home),
        });
      }
      if (!adopted && logins.get(part.osUser)?.locked !== true) {
        const apply = async () => runShadowUtility(m, ["/usr/sbin/usermod", "--lock", "--", part.osUser]);
        changes.push({ point: "account-lock", says: says("lock", "the password"), apply });
      }
      return changes;
    },
  };
}

/**
 * A home that was here before may lie on a file system that is not mounted now. One made in its place would be hidden by
 * the mount later, and would look to its owner as if everything were lost.
 */
function assertNeverMade(m: Machine, { osUser, formerNames = [] }: AccountPart, home: string, found: string): void {
  if (![osUser, ...formerNames].some((name) => everConverged(m.sys, name, "account"))) return;
  throw new Refusal(
    `${home} ${found}, but ${osUser} had a home here before; nothing was created in its place. Mount or restore it; ` +
      `to start with an empty home, run: install -d -o ${osUser} -g ${osUser} -m 0700 ${home}`,
  );
}

async function create(m: Machine, part: AccountPart, hasGroup: boolean): Promise<void> {
  const uid = String(part.uid);
  // A group of the same name and number only; one that a killed run left behind is taken again.
  if (!hasGroup) await runShadowUtility(m, ["/usr/sbin/groupadd", "--gid", uid, "--", part.osUser]);
  await runShadowUtility(m, [
    "/usr/sbin/useradd",
    ...["--uid", uid, "--gid", uid, "--no-user-group"],
    ...["--create-home", "--home-dir", homeOf(part.osUser), "--shell", part.shell],
    ...["--key", "HOME_MODE=0700", "--key", "UMASK=077", "--", part.osUser],
  ]);
}
