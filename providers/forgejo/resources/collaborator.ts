/** Manages one user's right in a repository; for an offboarded user it makes sure that they have none. */

import { z } from "zod";
import { ProviderError } from "../../runtime/errors.ts";
import type { Call } from "../../runtime/provider.ts";
import { typedResource, type TypedResource } from "../../runtime/typed-resource.ts";
import { findAccount, hasLogin, renamedTo } from "../../../clients/forgejo/accounts-by-id.ts";
import type { Forge } from "../../../clients/forgejo/client.ts";
import { type RepoApi, repoApi } from "../../../clients/forgejo/repository.ts";
import { parseInputs, parseState } from "../../runtime/parse-inputs.ts";
import { login, repoFields } from "./common-schemas.ts";
import { WantedLogins } from "./wanted-logins.ts";

const inputsSchema = z.object({
  ...repoFields,
  login,
  permission: z.enum(["none", "read", "write", "admin"]),
  /** More than `permission`, from wherever it comes, is left as it is; only somebody who lacks it is given it. */
  minimum: z.boolean().default(false),
  /** What the person is called today who gave this login up. */
  successor: login.nullable().default(null),
});
const stateSchema = z.object({
  ...repoFields,
  login,
  /** As asked, or what was found instead. */
  permission: z.string(),
  minimum: z.boolean().default(false),
  successor: login.nullable().default(null),
  /** What they may do by whatever way, after the last change of ours. */
  effective: z.string(),
  /** Id of the account, which survives a rename; null in the state of an earlier version, or without an account. */
  accountId: z.int().nullable().default(null),
});

type Inputs = z.output<typeof inputsSchema>;
type State = z.output<typeof stateSchema>;

export const collaborator = (forge: () => Forge) => {
  const members = new WantedLogins();
  const type: TypedResource<Inputs, State> = {
    parse: (inputs) => {
      const parsed = parseInputs(inputsSchema)(inputs);
      if (parsed.ok && parsed.want.permission !== "none") members.add(placeOf(parsed.want), parsed.want.login);
      return parsed;
    },
    remember: parseState(stateSchema),
    secrets: [],
    computed: ["effective", "accountId"],
    replaceOn: ["owner", "repo", "login"],
    create: async (inputs, call) => ({
      id: `${inputs.owner}/${inputs.repo}/${inputs.login}`,
      have: await settle(forge(), inputs, undefined, members, call),
    }),
    read: async (id, state, call) => {
      const inputs = { ...fromId(id), minimum: state?.minimum ?? false, successor: state?.successor ?? null };
      const api = repoApi(forge(), inputs, call.signal);
      const found = await findAccount(forge(), inputs.login, state?.accountId ?? undefined, call.signal);
      const goesOn =
        state?.permission === "none" && found !== undefined && members.goesOn(placeOf(inputs), found, inputs);
      const account = goesOn ? undefined : found;
      if (account !== undefined && !hasLogin(account, inputs.login)) call.log.warning(renamedTo(inputs.login, account));
      const isIn = account !== undefined && (await api.isCollaborator(account.login));
      const effective = account === undefined ? "none" : await api.permissionOf(account.login);
      if (state === undefined && !isIn) return undefined;
      // Somebody whose right comes from elsewhere (an owner, a team) keeps it whatever is asked here, so a right that is
      // as it was after our last change is as asked.
      const asBefore = state !== undefined && effective === state.effective && isIn === (state.permission !== "none");
      const isEnough = state?.minimum === true && rankOf(effective) >= rankOf(state.permission);
      const permission = asBefore || isEnough ? state.permission : isIn ? effective : "none";
      const asked = inputsSchema.shape.permission.catch("write").parse(permission);
      const accountId = account?.id ?? null;
      return { have: { ...inputs, permission, effective, accountId }, want: { ...inputs, permission: asked } };
    },
    update: (_, state, inputs, call) => settle(forge(), inputs, state, members, call),
    delete: async (_, state, call) => {
      const { owner, repo, login: who, minimum, successor } = state;
      const nothing = { owner, repo, login: who, permission: "none", minimum, successor } as const;
      await settle(forge(), nothing, state, members, call);
    },
  };
  return typedResource(type);
};

const placeOf = ({ owner, repo }: Pick<Inputs, "owner" | "repo">): string => `${owner}/${repo}`;

async function settle(
  forge: Forge,
  inputs: Inputs,
  before: State | undefined,
  members: WantedLogins,
  call: Call,
): Promise<State> {
  const { owner, repo, permission } = inputs;
  const api = repoApi(forge, inputs, call.signal);
  const account = await findAccount(forge, inputs.login, before?.accountId ?? undefined, call.signal);
  if (permission === "none" && account !== undefined && members.goesOn(placeOf(inputs), account, inputs))
    return { ...inputs, effective: "none", accountId: null };
  // An account that its owner renamed loses access under its present login.
  const who = account?.login ?? inputs.login;
  if (permission !== "none") {
    if (account !== undefined && !hasLogin(account, inputs.login))
      throw new ProviderError(renamedTo(inputs.login, account));
    await (inputs.minimum ? giveMissing(api, inputs) : give(api, inputs));
  } else if (account !== undefined) {
    await api.removeCollaborator(who);
    if (await api.isCollaborator(who))
      throw new ProviderError(`${who} is still in ${owner}/${repo} although they were taken out`);
  }
  const effective = account === undefined ? "none" : await api.permissionOf(who);
  const most = permission === "none" ? "read" : permission;
  if (rankOf(effective) > rankOf(most) && !(inputs.minimum && permission !== "none")) {
    call.log.warning(
      `${who} may do more in ${owner}/${repo} (${effective}) than this program gives (${permission}): as an owner, an admin ` +
        "of the forge or through a team. This program does not manage it; remove it in the forge if it is not intended.",
    );
  }
  return { ...inputs, effective, accountId: account?.id ?? null };
}

async function give(api: RepoApi, { owner, repo, login: who, permission }: Inputs): Promise<void> {
  if (permission === "none") return;
  await api.setCollaborator(who, permission);
  if (!(await api.isCollaborator(who)))
    throw new ProviderError(`${who} is not in ${owner}/${repo} although they were let in`);
}

/** An owner, an administrator of the forge or a member of a team has access without being a collaborator. */
async function giveMissing(api: RepoApi, inputs: Inputs): Promise<void> {
  if (rankOf(await api.permissionOf(inputs.login)) < rankOf(inputs.permission)) await give(api, inputs);
}

/** In rising order; an unknown word ranks lowest. */
const RANKS: readonly string[] = ["none", "read", "write", "admin", "owner"];
const rankOf = (permission: string): number => RANKS.indexOf(permission);

function fromId(id: string) {
  const [owner = "", repo = "", who = "", ...rest] = id.split("/");
  if (owner !== "" && repo !== "" && who !== "" && rest.length === 0) return { owner, repo, login: who };
  throw new ProviderError(`"${id}" is no id of a collaborator: give owner/repo/login`);
}
