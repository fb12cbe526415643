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
  const at = (...rest: string[]) => ["users", login, "tokens", ...rest];
  const asked = (method: Question["method"], path: string[], purpose: string, body?: object): Question => ({
    ...{ method, path, purpose, meaning },
    ...(body === undefined ? {} : { body }),
  });
  const exists = async () => {
    const question = asked("GET", ["users", login], `see whether the account "${login}" exists`);
    return (await forge.find(question, user, signal)) !== undefined;
  };
  return {
    list: async () => {
      try {
        const question = asked("GET", at(), `list the access tokens of ${login}`);
        return await listAll(forge, question, accessToken, (token) => token.id, signal);
      } catch (cause) {
        // A renamed account is pointed on from its old name; its tokens are found under the new one.
        if (cause instanceof ForgeError && isMoved(cause.status)) return undefined;
        if (cause instanceof ForgeError && cause.status === 404 && !(await exists())) return undefined;
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

const isMoved = (status: number | undefined) => status === 301 || status === 307 || status === 308;
