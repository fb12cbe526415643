/** Lists, issues and revokes one account's access tokens. Only the holder of its password or an admin may. */

import type { z } from "zod";
import { type Account, findAccount, hasLogin, renamedTo } from "./accounts-by-id.ts";
import { type Forge, ForgeError, type ForgeRequest } from "./client.ts";
import { type AccessToken, accessToken, newAccessToken } from "./schemas.ts";
import { listAll } from "./list-all.ts";

export interface TokenOwner {
  readonly login: string;
  /** Recorded when a token was issued; a rename by its owner does not change it. */
  readonly id?: number | undefined;
}

export interface TokenApi {
  /** The account under its present login; undefined when the forge has it no more. */
  account(): Promise<Account | undefined>;
  /** @throws ForgeError when the forge has no such account, or its login is not the one of the roster */
  requireAccount(): Promise<Account>;
  /** Undefined when the account is not there any more: its tokens went with it. */
  list(): Promise<readonly AccessToken[] | undefined>;
  /** The only moment at which the forge tells the value. */
  mint(name: string, scopes: readonly string[]): Promise<z.output<typeof newAccessToken>>;
  /** Already gone is as good. */
  revoke(id: number): Promise<void>;
}

export function tokenApi(forge: Forge, { login, id: knownId }: TokenOwner, signal: AbortSignal): TokenApi {
  let found: Promise<Account | undefined> | undefined;
  const account = () => (found ??= findAccount(forge, login, knownId, signal));
  const forgeRequest = (
    method: ForgeRequest["method"],
    at: Account,
    rest: string[],
    purpose: string,
    body?: object,
  ) => ({
    ...{ method, path: ["users", at.login, "tokens", ...rest], purpose },
    ...{ meaning: { 404: `the forge knows no account "${at.login}"` } },
    ...(body === undefined ? {} : { body }),
  });
  const requireAccount = async () => {
    const now = await account();
    if (now === undefined) throw new ForgeError(`the forge knows no account "${login}"`);
    if (!hasLogin(now, login)) throw new ForgeError(renamedTo(login, now));
    return now;
  };
  return {
    account,
    requireAccount,
    list: async () => {
      const now = await account();
      if (now === undefined) return undefined;
      const listing = forgeRequest("GET", now, [], `list the access tokens of ${now.login}`);
      return listAll(forge, listing, accessToken, (token) => token.id, signal);
    },
    mint: async (name, scopes) => {
      const now = await requireAccount();
      const issue = forgeRequest("POST", now, [], `issue a token to ${now.login}`, { name, scopes });
      return forge.ask(issue, newAccessToken, signal);
    },
    revoke: async (id) => {
      const now = await account();
      if (now === undefined) return;
      await forge.tell(forgeRequest("DELETE", now, [String(id)], `revoke a token of ${now.login}`), signal);
    },
  };
}
