/** Lists, issues and revokes one account's access tokens. Only the holder of its password or an admin may. */

import type { z } from "zod";
import { type Forge, ForgeError, type Question } from "./client.ts";
import { type AccessToken, accessToken, newAccessToken, user } from "./schemas.ts";
import { listAll } from "./list-all.ts";

export interface TokenApi {
  /** Undefined when the account is not there any more: its tokens went with it. */
  list(): Promise<readonly AccessToken[] | undefined>;
  /** The only moment at which the forge tells the value. */
  mint(name: string, scopes: readonly string[]): Promise<z.output<typeof newAccessToken>>;
  /** Already gone is as good. */
  revoke(id: number): Promise<void>;
}

export function tokenApi(forge: Forge, login: string, signal: AbortSignal): TokenApi {
  const meaning = { 404: `the forge knows no account "${login}"` };
  let account = login;
  const at = (...rest: string[]) => ["users", account, "tokens", ...rest];
  const asked = (method: Question["method"], path: string[], purpose: string, body?: object): Question => ({
    ...{ method, path, purpose, meaning },
    ...(body === undefined ? {} : { body }),
  });
  const exists = async () => {
    const question = asked("GET", ["users", login], `see whether the account "${login}" exists`);
    return (await forge.find(question, user, signal)) !== undefined;
  };
  const listed = () =>
    listAll(forge, asked("GET", at(), `list the access tokens of ${login}`), accessToken, (token) => token.id, signal);
  return {
    list: async () => {
      try {
        return await listed();
      } catch (cause) {
        if (!(cause instanceof ForgeError)) throw cause;
        const renamed = renamedTo(cause);
        if (renamed !== undefined && account === login) {
          // The tokens of a renamed account live on under its new name.
          account = renamed;
          return await listed();
        }
        if (cause.status === 404 && !(await exists())) return undefined;
        throw cause;
      }
    },
    mint: (name, scopes) =>
      forge.ask(asked("POST", at(), `issue a token to ${login}`, { name, scopes }), newAccessToken, signal),
    revoke: async (id) => {
      await forge.tell(asked("DELETE", at(String(id)), `revoke a token of ${login}`), signal);
    },
  };
}

/** The new login, where the forge points on from the old one. Only the name is taken from it, and never an address. */
function renamedTo({ status, location }: ForgeError): string | undefined {
  if (status !== 301 && status !== 307 && status !== 308) return undefined;
  const name = /\/api\/v1\/users\/([^/?#]+)\/tokens(?:[?#]|$)/.exec(location ?? "")?.[1];
  return name === undefined ? undefined : decodeURIComponent(name);
}
