/** Manages one user's right in a repository; for an offboarded user it makes sure that they have none. */

import { z } from "zod";
import { ProviderError } from "../../runtime/errors.ts";
import type { Call } from "../../runtime/provider.ts";
import { typedResource, type TypedResource } from "../../runtime/typed.ts";
import type { Forge } from "../../../clients/forgejo/client.ts";
import { repoApi } from "../../../clients/forgejo/repository.ts";
import { parseInputs, rememberAs } from "../../runtime/zod.ts";
import { login, repoFields } from "./words.ts";

const want = z.object({ ...repoFields, login, permission: z.enum(["none", "read", "write", "admin"]) });
const have = z.object({
  ...repoFields,
  login,
  /** As asked, or what was found instead. */
  permission: z.string(),
  /** What they may do by whatever way, after the last change of ours. */
  effective: z.string(),
});

type Want = z.output<typeof want>;
type Have = z.output<typeof have>;

export const collaborator = (forge: () => Forge) => {
  const type: TypedResource<Want, Have> = {
    parse: parseInputs(want),
    remember: rememberAs(have),
    secrets: [],
    computed: ["effective"],
    replaceOn: ["owner", "repo", "login"],
    create: async (wish, call) => ({
      id: `${wish.owner}/${wish.repo}/${wish.login}`,
      have: await settle(forge(), wish, call),
    }),
    read: async (id, known, call) => {
      const wish = fromId(id);
      const api = repoApi(forge(), wish, call.signal);
      const isIn = await api.isCollaborator(wish.login);
      const effective = await api.permissionOf(wish.login);
      if (known === undefined && !isIn) return undefined;
      // Somebody whose right comes from elsewhere (an owner, a team) keeps it whatever is asked here, so a right that is
      // as it was after our last change is as asked.
      const asBefore = known !== undefined && effective === known.effective && isIn === (known.permission !== "none");
      const permission = asBefore ? known.permission : isIn ? effective : "none";
      const asked = want.shape.permission.catch("write").parse(permission);
      return { have: { ...wish, permission, effective }, want: { ...wish, permission: asked } };
    },
    update: (_, __, wish, call) => settle(forge(), wish, call),
    delete: async (_, { owner, repo, login: who }, call) => {
      await settle(forge(), { owner, repo, login: who, permission: "none" }, call);
    },
  };
  return typedResource(type);
};

async function settle(forge: Forge, wish: Want, call: Call): Promise<Have> {
  const { owner, repo, login: who, permission } = wish;
  const api = repoApi(forge, wish, call.signal);
  if (permission !== "none") {
    await api.setCollaborator(who, permission);
    if (!(await api.isCollaborator(who)))
      throw new ProviderError(`${who} is not in ${owner}/${repo} although they were let in`);
  } else if (await isKnown(forge, who, call.signal)) {
    await api.removeCollaborator(who);
    if (await api.isCollaborator(who))
      throw new ProviderError(`${who} is still in ${owner}/${repo} although they were taken out`);
  }
  const effective = await api.permissionOf(who);
  if (RANKS.indexOf(effective) > RANKS.indexOf(permission === "none" ? "read" : permission)) {
    call.log.warning(
      `${who} may do more in ${owner}/${repo} (${effective}) than this program gives (${permission}): as an owner, an admin ` +
        "of the forge or through a team. That is not this program's to take; look at it.",
    );
  }
  return { owner, repo, login: who, permission, effective };
}

/** In rising order; an unknown word ranks lowest. */
const RANKS: readonly string[] = ["none", "read", "write", "admin", "owner"];

/** Whoever has no account any more has no access either. */
const isKnown = async (forge: Forge, who: string, signal: AbortSignal): Promise<boolean> =>
  (await forge.find(
    { method: "GET", path: ["users", who], purpose: `see whether the account "${who}" exists` },
    z.object({ login: z.string() }),
    signal,
  )) !== undefined;

function fromId(id: string) {
  const [owner = "", repo = "", who = "", ...rest] = id.split("/");
  if (owner !== "" && repo !== "" && who !== "" && rest.length === 0) return { owner, repo, login: who };
  throw new ProviderError(`"${id}" is no id of a collaborator: give owner/repo/login`);
}
