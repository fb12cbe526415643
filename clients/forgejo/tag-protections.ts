/** Reads and writes a repository's rules for tags: a name pattern and who may create, move or delete a tag of that name. */

import { z } from "zod";
import { ClientError } from "../client-error.ts";
import { type Forge, ForgeError, type ForgeRequest } from "./client.ts";
import { type RepoName, repoApi, serverVersion } from "./repository.ts";
import { user } from "./schemas.ts";

const names = z
  .array(z.string())
  .nullish()
  .transform((list) => list ?? []);

const tagRule = z.object({
  id: z.int(),
  name_pattern: z.string(),
  whitelist_usernames: names,
  whitelist_teams: names,
});
export type TagRule = z.output<typeof tagRule>;

export interface TagProtections {
  /** Every rule; this listing has no pages. @throws ClientError where the server is too old to have such rules in its API */
  list(): Promise<readonly TagRule[]>;
  create(pattern: string, logins: readonly string[]): Promise<TagRule>;
  /** Replaces the people on the list and takes all teams off it. */
  setLogins(id: number, logins: readonly string[]): Promise<TagRule>;
  /** A rule that is gone already is as good. */
  remove(id: number): Promise<void>;
  /** Login of the account that the program acts as. */
  self(): Promise<string>;
}

export function tagProtections(forge: Forge, name: RepoName, signal: AbortSignal): TagProtections {
  const full = `${name.owner}/${name.repo}`;
  const at = (...rest: string[]) => ["repos", name.owner, name.repo, "tag_protections", ...rest];
  const request = (method: ForgeRequest["method"], path: string[], purpose: string, body?: object): ForgeRequest => ({
    ...{ method, path, purpose },
    ...(body === undefined ? {} : { body }),
  });
  return {
    list: async () => {
      try {
        return await forge.ask(request("GET", at(), `list the tag rules of ${full}`), z.array(tagRule), signal);
      } catch (cause) {
        if (!(cause instanceof ForgeError) || cause.status !== 404) throw cause;
        await repoApi(forge, name, signal).mustExist();
        throw new ClientError(
          `cannot list the tag rules of ${full}: the forge's version ${await serverVersion(forge, signal)} has no tag ` +
            "rules in its API; Gitea 1.23 or Forgejo 8 and later have them: upgrade the forge",
          { cause },
        );
      }
    },
    create: (pattern, logins) => {
      const body = { name_pattern: pattern, whitelist_usernames: logins, whitelist_teams: [] };
      return forge.ask(request("POST", at(), `protect the tags ${pattern} of ${full}`, body), tagRule, signal);
    },
    setLogins: (id, logins) => {
      const body = { whitelist_usernames: logins, whitelist_teams: [] };
      return forge.ask(request("PATCH", at(String(id)), `change the tag rule ${id} of ${full}`, body), tagRule, signal);
    },
    remove: async (id) => {
      const gone = await forge.tell(request("DELETE", at(String(id)), `remove the tag rule ${id} of ${full}`), signal);
      if (!gone) await repoApi(forge, name, signal).mustExist();
    },
    self: async () => (await forge.ask(request("GET", ["user"], "see whose account this is"), user, signal)).login,
  };
}
