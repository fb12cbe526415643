/** Reports an adopted home that other users may enter or list, and closes it where the stack asks for that. */

import { type Step, says } from "../../lib/converge.ts";
import type { AccountPart } from "../../contract.ts";
import type { Accounts, User } from "../system/account-database.ts";
import type { Machine } from "../system/cached-accounts-and-units.ts";
import { readLedger } from "../state/host-ledger.ts";
import { homeOf } from "./verify-ownership.ts";

/** Only the home's own mode counts: nobody passes a directory that is closed, whatever the modes below it. */
export function closeAdoptedHome(m: Machine, part: AccountPart, warn: (sentence: string) => void): Step {
  const home = homeOf(part.osUser);
  return {
    name: "home",
    differences: async () => {
      const user = m.accounts().users.get(part.osUser);
      if (user === undefined || readLedger(m.sys).get(part.osUser)?.adopted !== true) return [];
      const there = m.sys.look(home);
      if (there?.isDirectory() !== true || there.uid !== user.uid) return [];
      const mode = `mode 0${(there.mode & 0o7777).toString(8)}`;
      // Also for a group of its owner alone: the group's bits are the mask of an access control list.
      if (part.closeHome === true && (there.mode & (GROUP_BITS | OTHER_BITS)) !== 0) {
        const apply = () => m.sys.closeHome(home);
        return [{ point: "account-home-mode", says: says("set", `${home} to mode 0700, it was ${mode}`), apply }];
      }
      const openTo = othersWithAccess(m.accounts(), user, there) ?? (await listedAccess(m, home, there));
      if (openTo === undefined) return [];
      warn(
        `${home} (${mode}) is open to ${openTo} and stays as it was adopted; the stack's setting devvm.closeAdoptedHomes ` +
          `closes it, and so does: chmod 0700 ${home}`,
      );
      return [];
    },
  };
}

/** With an access control list the group's bits are its mask: without them it gives nobody anything. `ls` marks it by a plus sign. */
async function listedAccess(
  m: Machine,
  home: string,
  { mode }: { readonly mode: number },
): Promise<string | undefined> {
  if ((mode & GROUP_BITS) === 0) return undefined;
  const listed = await m.sys.run(["/usr/bin/ls", "-ld", "--", home], { reads: true });
  return listed.stdout.split(" ")[0]?.endsWith("+") ? "those whom its access control list names" : undefined;
}

const GROUP_BITS = 0o070;
const OTHER_BITS = 0o007;

/** A group that holds nobody but the owner opens the home to nobody. */
function othersWithAccess(
  { users, groups }: Accounts,
  user: User,
  { mode, gid }: { readonly mode: number; readonly gid: number },
): string | undefined {
  if ((mode & OTHER_BITS) !== 0) return "all users of this host";
  if ((mode & GROUP_BITS) === 0) return undefined;
  const [name, group] = [...groups].find(([, found]) => found.gid === gid) ?? [String(gid), undefined];
  const isShared =
    [...(group?.members ?? [])].some((member) => member !== user.name) ||
    [...users.values()].some((other) => other.gid === gid && other.name !== user.name);
  return isShared ? `the group ${name}` : undefined;
}
