/** Lists the users of the terminal map who have an account here, and runs an action for each user. */

import { Refusal } from "../../lib/errors.ts";
import { readAccounts, type User } from "../system/account-database.ts";
import type { System } from "../system/privileged-operations.ts";
import { peopleOfParts, tryLoadPart } from "../state/stored-parts.ts";

export const TERMINAL_MAP = "/etc/ttyd-user-map";
/** System users are nobody's, whatever the map says. */
const FIRST_UID = 1000;
const ROW = /^[^=\s#]+=([a-z_][a-z0-9_-]{0,31})$/;

/** By name. @throws Refusal when there is no map: an unreadable one is not an empty one. */
export function mappedPeople(sys: System): readonly User[] {
  const map = sys.read(TERMINAL_MAP);
  if (map === undefined) throw new Refusal(`${TERMINAL_MAP} is missing; the maps part writes it`);
  return accountsOf(sys, namesIn(map.toString("utf8")));
}

/** Those of the terminal map and those who are parked: they have no terminal, but the portal and their records know them. */
export function knownPeople(sys: System): readonly User[] {
  const parked = peopleOfParts(sys).filter((name) => isParked(sys, name) === true);
  return accountsOf(sys, [...mappedPeople(sys).map(({ name }) => name), ...parked]);
}

/** Users whose account still has its former name, because its rename waits: the terminal map has the new one. */
export function peopleBeforeRename(sys: System): readonly User[] {
  const { users } = readAccounts(sys);
  return peopleOfParts(sys).flatMap((name) => {
    const account = tryLoadPart(sys, "account", name);
    if (account === undefined || account === "damaged") return [];
    const was = account.formerNames?.find((former) => users.get(former)?.uid === account.uid);
    return was === undefined ? [] : accountsOf(sys, [was]);
  });
}

/** Undefined where their part is damaged: then the run of the agent that needs it names the damage. */
export function isParked(sys: System, name: string): boolean | undefined {
  const units = tryLoadPart(sys, "units", name);
  return units === "damaged" ? undefined : units?.state === "parked";
}

function accountsOf(sys: System, names: readonly string[]): readonly User[] {
  const { users } = readAccounts(sys);
  return [...new Set(names)].sort().flatMap((name) => {
    const user = users.get(name);
    return user !== undefined && user.uid >= FIRST_UID && user.home === `/home/${name}` ? [user] : [];
  });
}

/** @throws Refusal for every user who is neither in the map nor parked: they have no browser terminal here. */
export function knownPerson(sys: System, name: string): User {
  const user = knownPeople(sys).find((u) => u.name === name);
  if (user === undefined)
    throw new Refusal(`${name} has no browser terminal on this host: no account, or not in ${TERMINAL_MAP}`);
  return user;
}

/** Exported for the tests. */
export const namesIn = (map: string): readonly string[] => map.split("\n").flatMap((line) => ROW.exec(line)?.[1] ?? []);

export type PersonResult<T> =
  | { readonly who: string; readonly found: T }
  | { readonly who: string; readonly failed: string };

/** As many at once as help on a small machine. */
const AT_ONCE = 4;

/** One person's failure is theirs: the others go on. In the order of the people. */
export async function forEachPerson<T>(
  people: readonly User[],
  act: (user: User) => Promise<T>,
  tell: (error: unknown) => string,
): Promise<readonly PersonResult<T>[]> {
  const results = new Map<string, PersonResult<T>>();
  const queue = [...people];
  const worker = async () => {
    for (let user = queue.shift(); user !== undefined; user = queue.shift()) {
      const osUser = user.name;
      try {
        results.set(osUser, { who: osUser, found: await act(user) });
      } catch (error) {
        results.set(osUser, { who: osUser, failed: tell(error) });
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return people.flatMap(({ name }) => results.get(name) ?? []);
}
