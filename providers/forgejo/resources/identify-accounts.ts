/** Tells the accounts on a list of the forge by their ids, and refuses logins that lead to other accounts than before. */

import { z } from "zod";
import { findAccount, hasLogin, renamedTo } from "../../../clients/forgejo/accounts-by-id.ts";
import type { Forge } from "../../../clients/forgejo/client.ts";
import { ProviderError } from "../../runtime/errors.ts";

/** Ids by login in lower case, as an earlier run found them. A state of an earlier version has none. */
export const accountIds = z.record(z.string(), z.int()).default({});
export type AccountIds = z.output<typeof accountIds>;

/**
 * Whether an account on a list has no recorded id, as in a state of an earlier version or after an import. It counts as a
 * difference, since nothing else would ever update a list whose logins stay the same.
 */
export const isIdMissing = (logins: readonly string[], recordedIds: AccountIds): boolean =>
  logins.some((login) => !Object.hasOwn(recordedIds, login.toLowerCase()));

/**
 * A login that its owner gave up may be taken by anybody, who would get the rights of the list with it.
 * @param logins all that the list is to have
 * @returns the ids to remember
 * @throws ProviderError with each login that was renamed or belongs to another account now, and what to write in the roster
 */
export async function identifyAccounts(
  forge: Forge,
  logins: readonly string[],
  recordedIds: AccountIds,
  signal: AbortSignal,
): Promise<AccountIds> {
  const before = new Map(Object.entries(recordedIds));
  const found = new Map<string, number>();
  const problems: string[] = [];
  for (const login of new Set(logins)) {
    const key = login.toLowerCase();
    const account = await findAccount(forge, login, before.get(key), signal);
    if (account === undefined && before.has(key)) problems.push(anotherAccount(login, before.get(key)));
    // The forge itself names a login that it does not know.
    if (account === undefined) continue;
    if (!hasLogin(account, login)) problems.push(renamedTo(login, account));
    found.set(key, account.id);
  }
  if (problems.length > 0) throw new ProviderError(problems.join("; "));
  return Object.fromEntries(found);
}

const anotherAccount = (login: string, id: number | undefined): string =>
  `the forge account "${login}" of id ${id} is gone, and another account may have its login; take the login out of its row, ` +
  "deploy, and write it again once you know whose it is";
