/**
 * Manages the protection of a branch: only listed users push to it, and nobody rewrites its history or deletes it. The
 * lists belong to `BranchWriters`. The protection has to exist before anybody gets write access, and the forge takes
 * only people with write access onto its lists.
 */

import { z } from "zod";
import { ProviderError } from "../../runtime/errors.ts";
import { typedResource, type TypedResource } from "../../runtime/typed-resource.ts";
import type { Forge } from "../../../clients/forgejo/client.ts";
import type { Protection } from "../../../clients/forgejo/schemas.ts";
import { isForgejo, repoApi, type RepoApi, serverVersion } from "../../../clients/forgejo/repository.ts";
import { parseInputs, parseState } from "../../runtime/parse-inputs.ts";
import { branchName, repoFields } from "./common-schemas.ts";

const inputsSchema = z.object({ ...repoFields, branch: branchName, deployKeys: z.boolean() });

/** What the server has, in the words of the wish, and by how much it is weaker than it should be. */
const stateSchema = inputsSchema.extend({
  /** What is not as it should be: empty after every update. */
  gaps: z.array(z.string()),
  /** Whether the rule holds for admins of the repository too; false where the server has no such switch. */
  bindsAdmins: z.boolean(),
});

type Inputs = z.output<typeof inputsSchema>;
type State = z.output<typeof stateSchema>;

export const branchProtection = (forge: () => Forge) => {
  const type: TypedResource<Inputs, State> = {
    parse: parseInputs(inputsSchema),
    remember: parseState(stateSchema),
    secrets: [],
    computed: ["gaps", "bindsAdmins"],
    replaceOn: ["owner", "repo", "branch"],
    differences: (state, inputs) => {
      const moved = (["owner", "repo", "branch"] as const).filter((field) => state[field] !== inputs[field]);
      // A weakened rule is repaired in place: to replace it would leave the branch unprotected for a moment.
      const repair = state.deployKeys !== inputs.deployKeys || state.gaps.length > 0;
      return [...moved, ...(repair ? (["deployKeys"] as const) : [])];
    },
    create: async (inputs, call) => {
      const api = repoApi(forge(), inputs, call.signal);
      return { id: idOf(inputs), have: await raise(forge(), api, inputs, call.signal) };
    },
    read: async (id, _, call) => {
      const inputs = fromId(id);
      const api = repoApi(forge(), inputs, call.signal);
      const rule = await api.protection(inputs.branch);
      if (rule === undefined) return undefined;
      const found = await stateOf(api, { ...inputs, deployKeys: rule.push_whitelist_deploy_keys }, rule);
      const { owner, repo, branch, deployKeys } = found;
      return { have: found, want: { owner, repo, branch, deployKeys } };
    },
    update: (_, __, inputs, call) => raise(forge(), repoApi(forge(), inputs, call.signal), inputs, call.signal),
    delete: (_, { owner, repo, branch }, call) =>
      repoApi(forge(), { owner, repo }, call.signal).deleteProtection(branch),
  };
  return typedResource(type);
};

/** Brings the rule about, reads it back, and fails unless it is what holds for the branch. */
async function raise(forge: Forge, api: RepoApi, inputs: Inputs, signal: AbortSignal): Promise<State> {
  await api.mustExist();
  const body = bodyOf(inputs, isForgejo(await serverVersion(forge, signal)));
  const there = await api.protection(inputs.branch);
  if (there === undefined) await api.createProtection({ rule_name: inputs.branch, ...body, ...NOBODY });
  else await api.editProtection(inputs.branch, body);
  const rule = await api.protection(inputs.branch);
  if (rule === undefined) throw new ProviderError(`${idOf(inputs)}: the rule is gone right after it was written`);
  const now = await stateOf(api, { ...inputs, deployKeys: rule.push_whitelist_deploy_keys }, rule);
  if (now.deployKeys !== inputs.deployKeys) now.gaps.push("deploy keys are not let in or kept out as asked");
  if (now.gaps.length === 0) return now;
  throw new ProviderError(
    `${idOf(inputs)} is not protected as it should be, although it was written: ${now.gaps.join("; ")}`,
  );
}

/** Lists that are left out keep who is on them. */
const bodyOf = (inputs: Inputs, forgejo: boolean) => ({
  enable_push: true,
  enable_push_whitelist: true,
  push_whitelist_deploy_keys: inputs.deployKeys,
  enable_merge_whitelist: true,
  unprotected_file_patterns: "",
  // Each server knows one of these only. Forgejo has no switch for forced pushes: a protected branch takes none.
  ...(forgejo ? { apply_to_admins: true } : { block_admin_merge_override: true, enable_force_push: false }),
});

const NOBODY = {
  push_whitelist_usernames: [],
  push_whitelist_teams: [],
  merge_whitelist_usernames: [],
  merge_whitelist_teams: [],
};

async function stateOf(api: RepoApi, inputs: Inputs, rule: Protection): Promise<State> {
  const effective = await api.effectiveRule(inputs.branch);
  const bindsAdmins = rule.apply_to_admins ?? rule.block_admin_merge_override;
  const gaps = [
    [rule.enable_push && !rule.enable_push_whitelist, "everybody with write access may push"],
    [!rule.enable_push, "nobody may push, not even who is on the list"],
    [!rule.enable_merge_whitelist, "everybody with write access may merge"],
    [rule.enable_force_push === true, "history may be rewritten by a forced push"],
    [rule.unprotected_file_patterns !== "", "some files are exempt from the rule"],
    [bindsAdmins === false, "admins of the repository are exempt from the rule"],
    // A branch that does not exist yet has no effective rule; ours will hold once it does.
    [
      effective !== undefined && effective !== inputs.branch,
      `another rule ("${effective ?? ""}") goes before it: remove that one, or give it a lower priority`,
    ],
  ] as const;
  return { ...inputs, bindsAdmins: bindsAdmins === true, gaps: gaps.filter(([is]) => is).map(([, what]) => what) };
}

const idOf = ({ owner, repo, branch }: Pick<Inputs, "owner" | "repo" | "branch">) => `${owner}/${repo}/${branch}`;

/** @throws ProviderError for an id of another form, as an import may give one */
function fromId(id: string) {
  const [owner = "", repo = "", ...rest] = id.split("/");
  const branch = rest.join("/");
  if (owner !== "" && repo !== "" && branch !== "") return { owner, repo, branch };
  throw new ProviderError(`"${id}" is no id of a branch protection: give owner/repo/branch`);
}
