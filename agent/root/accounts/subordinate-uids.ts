/** Finds the subordinate uids of an account, with which `newuidmap` lets it run processes; see `subuid(5)`. */

import type { Accounts, User } from "../system/account-database.ts";
import type { System } from "../system/privileged-operations.ts";

const SUBUID = "/etc/subuid";

/** Whether a uid is one of those that are meant. */
export type UidTest = (uid: number) => boolean;

export interface SubordinateUids {
  /** Uids that this account alone has. */
  readonly isTheirs: UidTest;
  /** Uids that are listed for this account and that another account has as well: whose a process is cannot be known. */
  readonly isShared: UidTest;
}

interface Range {
  /** A name or a uid. */
  readonly owner: string;
  readonly first: number;
  readonly last: number;
}

/** Ranges of a directory service (`subid` in `nsswitch.conf`) are not seen. */
export function subordinateUids(sys: System, accounts: Accounts, user: User): SubordinateUids {
  const all = allRanges(sys);
  const owners = new Set([user.name, String(user.uid)]);
  const theirs = all.filter(({ owner }) => owners.has(owner));
  const others = all.filter(({ owner }) => !owners.has(owner));
  const accountUids = new Set([...accounts.users.values()].map(({ uid }) => uid));
  const isListed = isIn(theirs);
  const isOthers = isIn(others);
  // A range must never reach an account's own uid, and root's least of all; such a line says nothing of whose a process is.
  const isAccount: UidTest = (uid) => uid === 0 || accountUids.has(uid);
  return {
    isTheirs: (uid) => isListed(uid) && !isAccount(uid) && !isOthers(uid),
    isShared: (uid) => isListed(uid) && !isAccount(uid) && isOthers(uid),
  };
}

/** Whether it is in a range of any account. */
export const isSubordinate = (sys: System, uid: number): boolean => isIn(allRanges(sys))(uid);

const allRanges = (sys: System): readonly Range[] => rangesIn(sys.read(SUBUID)?.toString("utf8") ?? "");

const isIn =
  (ranges: readonly Range[]): UidTest =>
  (uid) =>
    ranges.some(({ first, last }) => uid >= first && uid <= last);

/** Lines of another form are skipped, as `newuidmap` does. */
function rangesIn(text: string): readonly Range[] {
  return text.split("\n").flatMap((line) => {
    const [, owner = "", first, count] = /^([^:]+):(\d{1,10}):(\d{1,10})$/.exec(line) ?? [];
    return first === undefined ? [] : [{ owner, first: Number(first), last: Number(first) + Number(count) - 1 }];
  });
}
