/** Finds accounts that their owners renamed among the logins that are to be written onto a list of the forge. */

import { findAccount, hasLogin, renamedTo } from "../../../clients/forgejo/accounts.ts";
import type { Forge } from "../../../clients/forgejo/client.ts";
import { ProviderError } from "../../runtime/errors.ts";

/**
 * The forge refuses a list with a name that it does not know, and says the same of a missing repository.
 * @param logins those that are not on the list yet
 * @throws ProviderError with the present login of each renamed account, and what to write in the roster
 */
export async function mustHaveTheirLogins(forge: Forge, logins: readonly string[], signal: AbortSignal): Promise<void> {
  const renamed: string[] = [];
  for (const login of logins) {
    const account = await findAccount(forge, login, undefined, signal);
    if (account !== undefined && !hasLogin(account, login)) renamed.push(renamedTo(login, account));
  }
  if (renamed.length > 0) throw new ProviderError(renamed.join("; "));
}
