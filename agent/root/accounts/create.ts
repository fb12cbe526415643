/**
 * Creates an account with shadow-utils, locked from its first moment, makes its home and has it filled, and keeps it closed
 * to others.
 */

import { type Change, type Step, says } from "../../lib/converge.ts";
import type { AccountPart } from "../../contract.ts";
import { kindOf } from "../../lib/files.ts";
import { Refusal } from "../../lib/errors.ts";
import type { User } from "../system/account-database.ts";
import type { Machine } from "../system/cached-accounts-and-units.ts";
import { everConverged } from "../state/converged-versions.ts";
import { readLedger } from "../state/host-ledger.ts";
import { removePendingHome, isHomePending } from "../state/pending-homes.ts";
import { fillHome } from "./fill-home.ts";
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
        assertNoKeptHome(m, part, byHand(part, group !== undefined, "--no-create-home"));
        assertNeverMade(
          m,
          part,
          `the account ${part.osUser} and ${home} are missing`,
          byHand(part, group !== undefined, "--create-home --key HOME_MODE=0700"),
        );
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
      // A run that was killed while it made the home leaves it root's own, so root's own may be as good as missing.
      if (there === undefined || (there.isDirectory() && there.uid === 0 && !adopted)) {
        const found = `${home} ${there === undefined ? "is missing" : "belongs to root"}`;
        assertNeverMade(m, part, found, `install -d -o ${user.name} -g ${user.name} -m 0700 ${home}`);
        const apply = () => makeHome(m, user);
        changes.push({ point: "account-home", says: says("create", `${home}, which was missing`), apply });
      } else if (!there.isDirectory()) {
        throw new Refusal(`${home} is ${kindOf(there)}; it must be a directory of ${part.osUser}`);
      } else if (there.uid !== user.uid) {
        throw new Refusal(
          `${home} belongs to uid ${there.uid}; it must belong to ${part.osUser}, whose account has uid ${user.uid}`,
        );
      } else if (isHomePending(m.sys, part.uid)) {
        // A run was killed between making the home and the end of filling it.
        const apply = () => completeHome(m, user);
        changes.push({ point: "account-home", says: says("complete", `${home}, which an earlier run began`), apply });
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
 * Allows a home to be made only while this program's first making of it is pending. A home that was here before may lie
 * on a file system that is not mounted now. One made in its place would be hidden by the mount later, and would look to
 * its owner as if everything were lost. Somebody may have worked in a home although no run ever converged the account.
 *
 * @param found what is missing
 * @param remedy the commands for a fresh start
 */
function assertNeverMade(m: Machine, part: AccountPart, found: string, remedy: string): void {
  const { osUser, uid, formerNames = [] } = part;
  const adopted = readLedger(m.sys).get(osUser)?.adopted === true;
  if (isHomePending(m.sys, uid) && !adopted && !everConverged(m.sys, osUser, "account")) return;
  const before = [osUser, ...formerNames].some((name) => everConverged(m.sys, name, "account"))
    ? `${osUser} had a home here before`
    : `${osUser} may have had a home here before (${adopted ? "the account was adopted" : "an earlier run recorded the account"})`;
  throw new Refusal(
    `${found}, but ${before}; nothing was created in its place. Mount or restore it; to start with an empty home, run: ${remedy}`,
  );
}

/** @throws Refusal where something lies in the place of the home of an account that does not exist; it belongs to somebody's past */
function assertNoKeptHome(m: Machine, { osUser, uid }: AccountPart, restoration: string): void {
  const home = homeOf(osUser);
  const there = m.sys.look(home);
  if (there === undefined) return;
  const missing = `${home} exists, but the account ${osUser} does not`;
  if (!there.isDirectory()) throw new Refusal(`${missing}, and it is ${kindOf(there)}; move it away`);
  if (there.uid === uid)
    throw new Refusal(
      `${missing}; move the directory away, or restore its owner (uid ${uid}), by running: ${restoration}`,
    );
  throw new Refusal(
    `${missing}: the directory belongs to uid ${there.uid}, and uid ${uid} was delivered. Nothing was changed; move the ` +
      `directory away, or set uid ${there.uid} in the ledger if it is theirs`,
  );
}

/** The commands that make the account by hand, and its home as well where the option says so. */
const byHand = ({ osUser, uid, shell }: AccountPart, hasGroup: boolean, homeOption: string): string =>
  `${hasGroup ? "" : `groupadd --gid ${uid} ${osUser} && `}useradd --uid ${uid} --gid ${uid} ${homeOption} ` +
  `--home-dir ${homeOf(osUser)} --shell ${shell} ${osUser}`;

/** Defaults of the host that would end the account by a date are not taken: nobody decided them for this person. */
async function create(m: Machine, part: AccountPart, hasGroup: boolean): Promise<void> {
  const uid = String(part.uid);
  // A group of the same name and number only; one that a killed run left behind is taken again.
  if (!hasGroup) await runShadowUtility(m, ["/usr/sbin/groupadd", "--gid", uid, "--", part.osUser]);
  await runShadowUtility(m, [
    "/usr/sbin/useradd",
    ...["--uid", uid, "--gid", uid, "--no-user-group", "--expiredate", "", "--inactive", "-1"],
    // It would copy the skel directory as root.
    ...["--no-create-home", "--home-dir", homeOf(part.osUser), "--shell", part.shell, "--", part.osUser],
  ]);
  await makeHome(m, { name: part.osUser, uid: part.uid, gid: part.uid, home: homeOf(part.osUser), shell: part.shell });
}

async function makeHome(m: Machine, user: User): Promise<void> {
  m.sys.makeHome(user.home, user.uid, user.gid);
  await completeHome(m, user);
}

/** The record goes last: until then the next run does all of it again. */
async function completeHome(m: Machine, user: User): Promise<void> {
  // Nothing is added to a home that its person has been given.
  if (!everConverged(m.sys, user.name, "account")) await fillHome(m, user);
  removePendingHome(m.sys, user.uid);
}
