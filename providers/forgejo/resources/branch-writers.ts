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

const inputsSchema = z.object({
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
const stateSchema = inputsSchema.extend({ teams: z.array(z.string()), accountIds });

type Inputs = z.output<typeof inputsSchema>;
type State = z.output<typeof stateSchema>;

export const branchWriters = (forge: () => Forge) => {
  const type: TypedResource<Inputs, State> = {
    parse: parseInputs(inputsSchema),
    remember: parseState(stateSchema),
    secrets: [],
    computed: ["teams", "accountIds"],
    replaceOn: ["owner", "repo", "branch"],
    differences: (state, inputs) => {
      const moved = (["owner", "repo", "branch"] as const).filter((field) => state[field] !== inputs[field]);
      const lists = (["push", "merge", "members"] as const).filter((list) => !sameLogins(state[list], inputs[list]));
      const isOther = state.teams.length > 0 || isIdMissing([...inputs.push, ...inputs.merge], state.accountIds);
      return [...moved, ...lists, ...(isOther && !lists.includes("push") ? (["push"] as const) : [])];
    },
    create: async (inputs, call) => {
      const written = await write(forge(), inputs, {}, call.signal);
      return { id: `${inputs.owner}/${inputs.repo}/${inputs.branch}`, have: written };
    },
    read: async (id, state, call) => {
      const [owner = "", repo = "", ...branch] = id.split("/");
      const where = { owner, repo, branch: branch.join("/") };
      const rule = await repoApi(forge(), where, call.signal).protection(where.branch);
      // Where a hand removed the branch's rule, an update writes the lists again and still knows whose the logins were.
      if (rule === undefined && state === undefined) return undefined;
      const found = {
        ...{ ...where, ...(rule === undefined ? NO_LISTS : listsOf(rule)), members: state?.members ?? [] },
        accountIds: state?.accountIds ?? {},
      };
      const { teams: _, accountIds: __, ...inputs } = found;
      return { have: found, want: inputs };
    },
    update: (_, state, inputs, call) => write(forge(), inputs, state.accountIds, call.signal),
    delete: async (_, state, call) => {
      const api = repoApi(forge(), state, call.signal);
      if ((await api.protection(state.branch)) !== undefined)
        await write(forge(), { ...state, push: [], merge: [] }, {}, call.signal);
    },
  };
  return typedResource(type);
};

async function write(forge: Forge, inputs: Inputs, recordedIds: AccountIds, signal: AbortSignal): Promise<State> {
  const api = repoApi(forge, inputs, signal);
  const where = `${inputs.owner}/${inputs.repo}/${inputs.branch}`;
  const before = await api.protection(inputs.branch);
  if (before === undefined) {
    throw new ProviderError(`${where}: the branch has no rule of its own, so nobody can be put on its lists`);
  }
  const ids = await identifyAccounts(forge, [...inputs.push, ...inputs.merge], recordedIds, signal);
  await api.editProtection(inputs.branch, {
    push_whitelist_usernames: inputs.push,
    push_whitelist_teams: [],
    merge_whitelist_usernames: inputs.merge,
    merge_whitelist_teams: [],
  });
  const rule = await api.protection(inputs.branch);
  if (rule === undefined) throw new ProviderError(`${where}: the rule is gone right after it was written`);
  const now = listsOf(rule);
  const refused = [...new Set([...without(inputs.push, now.push), ...without(inputs.merge, now.merge)])].sort();
  if (refused.length > 0) {
    throw new ProviderError(
      `${where}: the forge did not take ${refused.join(", ")} onto its lists. It takes only who has write access to the ` +
        "repository: make them a collaborator, a member of its organisation or an owner, then run again.",
    );
  }
  const strangers = [
    ...new Set([...without(now.push, inputs.push), ...without(now.merge, inputs.merge), ...now.teams]),
  ].sort();
  if (strangers.length > 0) throw new ProviderError(`${where}: ${strangers.join(", ")} stayed on its lists`);
  return { ...inputs, ...now, accountIds: ids };
}

const NO_LISTS = { push: [], merge: [], teams: [] };

const listsOf = (rule: Protection) => ({
  push: [...rule.push_whitelist_usernames],
  merge: [...rule.merge_whitelist_usernames],
  teams: [...new Set([...rule.push_whitelist_teams, ...rule.merge_whitelist_teams])].sort(),
});
