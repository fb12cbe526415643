/** Reads users, groups and password states from `/etc/passwd`, `/etc/group` and `/etc/shadow`. */

import { Refusal } from "../../lib/errors.ts";
import type { System } from "./privileged-operations.ts";

export interface User {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  readonly shell: string;
}

export interface Group {
  readonly gid: number;
  readonly members: ReadonlySet<string>;
}

export interface Login {
  /** No password is accepted: `!…`, `*`. An empty field accepts any and is not locked. */
  readonly locked: boolean;
  /** `usermod --lock` put the `!` before a password that is still there. */
  readonly hasPassword: boolean;
  /** Days since 1970 on which the password was set; 0 where a new one is asked for, undefined where that is not counted. */
  readonly changed: number | undefined;
  /** Days after which a new password is asked for; undefined for never. */
  readonly maximumDays: number | undefined;
  /** Days since 1970 after which no login is possible; undefined for never. */
  readonly expires: number | undefined;
}

/** Keyed by names from outside, so always `Map`. */
export interface Accounts {
  readonly users: ReadonlyMap<string, User>;
  readonly groups: ReadonlyMap<string, Group>;
  readonly logins: ReadonlyMap<string, Login>;
}

/** @throws Refusal when one of the three files is missing: an unreadable machine is not an empty one. */
export function readAccounts(sys: System): Accounts {
  const text = (path: string) => {
    const bytes = sys.read(path);
    if (bytes === undefined) throw new Refusal(`${path} is missing, so the accounts of this host are unknown`);
    return bytes.toString("utf8");
  };
  return parseAccounts(text("/etc/passwd"), text("/etc/group"), text("/etc/shadow"));
}

/** Pure: the three files' texts. Lines that are not of the expected form are skipped, as the system's own readers do. */
export function parseAccounts(passwd: string, group: string, shadow: string): Accounts {
  const users = new Map<string, User>();
  for (const [name, , uid, gid, , home, shell] of rows(passwd)) {
    if (name === undefined || home === undefined || users.has(name)) continue;
    users.set(name, { name, uid: Number(uid), gid: Number(gid), home, shell: shell ?? "" });
  }
  const groups = new Map<string, Group>();
  for (const [name, , gid, members] of rows(group)) {
    if (name === undefined || groups.has(name)) continue;
    groups.set(name, { gid: Number(gid), members: new Set((members ?? "").split(",").filter((m) => m !== "")) });
  }
  const logins = new Map<string, Login>();
  for (const [name, hash = "", changed = "", , maximum = "", , , expires = ""] of rows(shadow)) {
    if (name === undefined || logins.has(name)) continue;
    const locked = hash.startsWith("!") || hash.startsWith("*");
    const hasPassword = /[^!*]/.test(hash);
    logins.set(name, {
      locked,
      hasPassword,
      changed: dayOf(changed),
      maximumDays: dayOf(maximum),
      expires: dayOf(expires),
    });
  }
  return { users, groups, logins };
}

/** Empty, or -1 as some tools write it: not set. */
const dayOf = (field: string): number | undefined => (/^\d+$/.test(field) ? Number(field) : undefined);

/** The groups that somebody is in, their own included. */
export function groupsOf(accounts: Accounts, user: User): readonly string[] {
  return [...accounts.groups].filter(([, g]) => g.gid === user.gid || g.members.has(user.name)).map(([name]) => name);
}

const rows = (text: string): string[][] =>
  text
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split(":"));
