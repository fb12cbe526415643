/** Records which groups this program added an account to, so that only those are taken when its tier changes. */

import { z } from "zod";
import type { AccountPart } from "../../contract.ts";
import type { Accounts } from "../system/account-database.ts";
import type { Machine } from "../system/cached-accounts-and-units.ts";
import type { System } from "../system/privileged-operations.ts";
import { readJson, STATE, writeJson } from "./json-files.ts";
import { tryLoadPart } from "./stored-parts.ts";

const granted = z.strictObject({ groups: z.array(z.string()) });

export const grantedFile = (osUser: string): string => `${STATE}/granted-groups/${osUser}.json`;

/** Undefined where nothing was recorded: earlier versions of the agent kept no record. */
export const readGranted = (sys: System, osUser: string): readonly string[] | undefined =>
  readJson(sys, grantedFile(osUser), granted)?.groups;

/** The name under which the record of an account lies: another one of theirs while a rename waits. */
export const nameOfRecord = (sys: System, { osUser, formerNames = [] }: AccountPart): string =>
  [osUser, ...formerNames].find((name) => readGranted(sys, name) !== undefined) ?? osUser;

export const writeGranted = (sys: System, osUser: string, groups: Iterable<string>): void =>
  writeJson(sys, grantedFile(osUser), { groups: [...new Set(groups)].sort() });

/** The groups of `names` that list the account as a member; a primary group is not among them. */
export const memberOf = ({ groups }: Accounts, osUser: string, names: readonly string[]): readonly string[] =>
  names.filter((name) => groups.get(name)?.members.has(osUser));

/**
 * Starts the record of an account before a delivered part replaces the stored one. An earlier version of the agent kept
 * no record, but the part that it was given names the groups that the tier gave, so those count as granted.
 */
export function startGranted(m: Machine, { osUser, formerNames = [] }: AccountPart): void {
  const names = [osUser, ...formerNames];
  // A record under a former name is moved when the account is renamed. One that is damaged stays, and fails their groups.
  if (names.some((name) => m.sys.read(grantedFile(name)) !== undefined)) return;
  // A damaged part must not keep the delivery from replacing it.
  const before = names.map((name) => tryLoadPart(m.sys, "account", name)).find((part) => part !== undefined);
  if (before === "damaged") return;
  const isPresent = before?.state === "present";
  writeGranted(m.sys, osUser, isPresent ? memberOf(m.accounts(), before.osUser, before.groups) : []);
}
