/**
 * Manages the lists of users who may push to and merge into a protected branch. The program alone owns these lists, so
 * it removes every entry that it did not make.
 */

import { z } from "zod";
import { ProviderError } from "../../runtime/errors.ts";
import { typedResource, type TypedResource } from "../../runtime/typed-resource.ts";
import type { Forge } from "../../../clients/forgejo/client.ts";
import type { Protection } from "../../../clients/forgejo/schemas.ts";
import { repoApi } from "../../../clients/forgejo/repository.ts";
import { parseInputs, parseState } from "../../runtime/parse-inputs.ts";
import { accountIds, type AccountIds, identifyAccounts, isIdMissing } from "./identify-accounts.ts";
import { branchName, login, repoFields, sameLogins, without } from "./common-schemas.ts";

const want = z.object({
  ...repoFields,
  branch: branchName,
  push: z.array(login),
  merge: z.array(login),
  /**
   * Whoever has write access. The forge keeps, unseen, the list entries of people who lost theirs, so that they would be
   * back on the list with it; writing the lists drops those. Hence a change of members writes them anew.
   */
  members: z.array(login),
});
const have = want.extend({ teams: z.array(z.string()), accountIds });

type Want = z.output<typeof want>;
type Have = z.output<typeof have>;

export const branchWriters = (forge: () => Forge) => {
  const type: TypedResource<Want, Have> = {
    parse: parseInputs(want),
    remember: parseState(have),
    secrets: [],
    computed: ["teams", "accountIds"],
    replaceOn: ["owner", "repo", "branch"],
    differences: (is, wish) => {
      const moved = (["owner", "repo", "branch"] as const).filter((field) => is[field] !== wish[field]);
      const lists = (["push", "merge", "members"] as const).filter((list) => !sameLogins(is[list], wish[list]));
      const isOther = is.teams.length > 0 || isIdMissing([...wish.push, ...wish.merge], is.accountIds);
      return [...moved, ...lists, ...(isOther && !lists.includes("push") ? (["push"] as const) : [])];
    },
    create: async (wish, call) => {
      const written = await write(forge(), wish, {}, call.signal);
      return { id: `${wish.owner}/${wish.repo}/${wish.branch}`, have: written };
    },
    read: async (id, known, call) => {
      const [owner = "", repo = "", ...branch] = id.split("/");
      const where = { owner, repo, branch: branch.join("/") };
      const rule = await repoApi(forge(), where, call.signal).protection(where.branch);
      // Where a hand removed the branch's rule, an update writes the lists again and still knows whose the logins were.
      if (rule === undefined && known === undefined) return undefined;
      const found = {
        ...{ ...where, ...(rule === undefined ? NO_LISTS : listsOf(rule)), members: known?.members ?? [] },
        accountIds: known?.accountIds ?? {},
      };
      const { teams: _, accountIds: __, ...wish } = found;
      return { have: found, want: wish };
    },
    update: (_, is, wish, call) => write(forge(), wish, is.accountIds, call.signal),
    delete: async (_, is, call) => {
      const api = repoApi(forge(), is, call.signal);
      if ((await api.protection(is.branch)) !== undefined)
        await write(forge(), { ...is, push: [], merge: [] }, {}, call.signal);
    },
  };
  return typedResource(type);
};

async function write(forge: Forge, wish: Want, known: AccountIds, signal: AbortSignal): Promise<Have> {
  const api = repoApi(forge, wish, signal);
  const where = `${wish.owner}/${wish.repo}/${wish.branch}`;
  const before = await api.protection(wish.branch);
  if (before === undefined) {
    throw new ProviderError(`${where}: the branch has no rule of its own, so nobody can be put on its lists`);
  }
  const ids = await identifyAccounts(forge, [...wish.push, ...wish.merge], known, signal);
  await api.editProtection(wish.branch, {
    push_whitelist_usernames: wish.push,
    push_whitelist_teams: [],
    merge_whitelist_usernames: wish.merge,
    merge_whitelist_teams: [],
  });
  const rule = await api.protection(wish.branch);
  if (rule === undefined) throw new ProviderError(`${where}: the rule is gone right after it was written`);
  const now = listsOf(rule);
  const refused = [...new Set([...without(wish.push, now.push), ...without(wish.merge, now.merge)])].sort();
  if (refused.length > 0) {
    throw new ProviderError(
      `${where}: the forge did not take ${refused.join(", ")} onto its lists. It takes only who has write access to the ` +
        "repository: make them a collaborator, a member of its organisation or an owner, then run again.",
    );
  }
  const strangers = [
    ...new Set([...without(now.push, wish.push), ...without(now.merge, wish.merge), ...now.teams]),
  ].sort();
  if (strangers.length > 0) throw new ProviderError(`${where}: ${strangers.join(", ")} stayed on its lists`);
  return { ...wish, ...now, accountIds: ids };
}

const NO_LISTS = { push: [], merge: [], teams: [] };

const listsOf = (rule: Protection) => ({
  push: [...rule.push_whitelist_usernames],
  merge: [...rule.merge_whitelist_usernames],
  teams: [...new Set([...rule.push_whitelist_teams, ...rule.merge_whitelist_teams])].sort(),
});
