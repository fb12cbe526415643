/** The account itself: made by the system's own tools, locked from its first moment, its home closed. */

import { type Change, type Step, says } from "../../step.ts";
import type { AccountPart } from "../../contract.ts";
import { kindOf } from "../../disk.ts";
import { Refusal } from "../../refusal.ts";
import { type Ran, story } from "../../run.ts";
import type { Machine } from "../machine.ts";
import { readLedger } from "../store.ts";
import { homeOf } from "./account-given.ts";

const LOCK_WAIT_MS = 30_000;
const LOCK_RETRY_MS = 1000;

/** `useradd` without a password leaves the account locked, so there is no moment of use. */
export function accountExists(m: Machine, part: AccountPart): Step {
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
            `a group ${part.osUser} (gid ${group.gid}) exists here and is not this person's; rename it or the person`,
          );
        }
        if (m.sys.look(part.shell) === undefined)
          throw new Refusal(`the shell ${part.shell} is not installed on this host`);
        if (m.sys.look(home) !== undefined) {
          throw new Refusal(
            `${home} exists although the account does not; move it away or give it back to its owner first`,
          );
        }
        return [
          {
            point: "account-create",
            says: says("make", `the account (uid ${part.uid})`),
            apply: () => create(m, part, group !== undefined),
          },
        ];
      }
      const changes: Change[] = [];
      const there = m.sys.look(home);
      const adopted = readLedger(m.sys).get(part.osUser)?.adopted === true;
      // A run that was killed while it made the home leaves it root's own, so root's own is as good as missing.
      if (there === undefined || (there.isDirectory() && there.uid === 0 && !adopted)) {
        const apply = () => m.sys.makeHome(home, user.uid, user.gid);
        changes.push({ point: "account-home", says: says("make", `${home}, which was missing`), apply });
      } else if (!there.isDirectory()) {
        throw new Refusal(`${home} is ${kindOf(there)}; a directory of theirs belongs there`);
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
        const apply = async () => mustUnlock(m, ["/usr/sbin/usermod", "--lock", "--", part.osUser]);
        changes.push({ point: "account-lock", says: says("lock", "the password"), apply });
      }
      return changes;
    },
  };
}

async function create(m: Machine, part: AccountPart, hasGroup: boolean): Promise<void> {
  const uid = String(part.uid);
  // A group of the same name and number only; one that a killed run left behind is taken again.
  if (!hasGroup) await mustUnlock(m, ["/usr/sbin/groupadd", "--gid", uid, "--", part.osUser]);
  await mustUnlock(m, [
    "/usr/sbin/useradd",
    ...["--uid", uid, "--gid", uid, "--no-user-group"],
    ...["--create-home", "--home-dir", homeOf(part.osUser), "--shell", part.shell],
    ...["--key", "HOME_MODE=0700", "--key", "UMASK=077", "--", part.osUser],
  ]);
}

/** Whoever holds the lock for that long holds it from everybody: one wait is enough for a run. */
const waitedInVain = new WeakSet<Machine>();

/** Somebody may hold `/etc/.pwd.lock` (`vipw`, another tool): waited for up to 30 s in all, then told. */
export async function mustUnlock(m: Machine, argv: readonly string[]): Promise<void> {
  const until = performance.now() + (waitedInVain.has(m) ? 0 : LOCK_WAIT_MS);
  for (;;) {
    const ran = await m.sys.run(argv, { timeoutMs: LOCK_WAIT_MS });
    if (ran.code === 0) return;
    if (!isLocked(ran)) throw new Refusal(story(ran));
    if (performance.now() >= until) {
      waitedInVain.add(m);
      throw new Refusal(story(ran));
    }
    await new Promise((resolve) => setTimeout(resolve, LOCK_RETRY_MS));
  }
}

const isLocked = (ran: Ran): boolean => /cannot lock|try again later/i.test(ran.stderr);
