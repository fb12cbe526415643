/** Protects the tags of one name pattern: only the listed people create, move or delete such a tag. */

import { z } from "zod";
import { ProviderError } from "../../runtime/errors.ts";
import { typedResource, type TypedResource } from "../../runtime/typed-resource.ts";
import { parseInputs, parseState } from "../../runtime/parse-inputs.ts";
import type { Forge } from "../../../clients/forgejo/client.ts";
import { repoApi } from "../../../clients/forgejo/repository.ts";
import { type TagProtections, type TagRule, tagProtections } from "../../../clients/forgejo/tag-protections.ts";
import { accountIds, type AccountIds, identifyAccounts, isIdMissing } from "./identify-accounts.ts";
import { mayOverlap } from "./tag-overlap.ts";
import { login, repoFields, sameLogins, without } from "./common-schemas.ts";

const inputsSchema = z.object({
  ...repoFields,
  pattern: z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9._/-]*\/\*$/, "must be a folder of tags, as in confirm/*"),
  /** Who may push such a tag. Nobody, where the list is empty. */
  pushers: z.array(login),
});

const stateSchema = inputsSchema.extend({
  /** What lets anybody else push such a tag: empty after every update. */
  gaps: z.array(z.string()),
  accountIds,
});

type Inputs = z.output<typeof inputsSchema>;
type State = z.output<typeof stateSchema>;
type Place = Pick<Inputs, "owner" | "repo" | "pattern">;

export const tagProtection = (forge: () => Forge) => {
  const type: TypedResource<Inputs, State> = {
    parse: parseInputs(inputsSchema),
    remember: parseState(stateSchema),
    secrets: [],
    computed: ["gaps", "accountIds"],
    // A new resource would take the ids of the listed accounts anew, from whoever has the logins by then.
    replaceOn: [],
    differences: (state, inputs) => {
      const moved = (["owner", "repo", "pattern"] as const).filter((field) => state[field] !== inputs[field]);
      const isOther = !sameLogins(state.pushers, inputs.pushers) || isIdMissing(inputs.pushers, state.accountIds);
      return [...moved, ...(isOther || state.gaps.length > 0 ? (["pushers"] as const) : [])];
    },
    create: async (inputs, call) => ({ id: idOf(inputs), have: await protect(forge(), inputs, {}, call.signal) }),
    read: async (id, state, call) => {
      // An update may have moved the rule since the id was given.
      const place = state ?? placeOf(id);
      const rules = await tagProtections(forge(), place, call.signal).list();
      const rule = ruleFor(rules, place.pattern);
      // A rule that a hand removed is made again by an update, which still knows whose the logins were.
      if (rule === undefined) return state && { have: { ...state, pushers: [], gaps: [GONE] }, want: wishOf(state) };
      // An import has no list yet: the people on the rule are taken over as they are.
      const { owner, repo, pattern } = place;
      const inputs = { owner, repo, pattern, pushers: state?.pushers ?? [...rule.whitelist_usernames] };
      const found = stateOf(inputs, state?.accountIds ?? {}, rule, rules);
      return { have: found, want: wishOf(found) };
    },
    update: (_, state, inputs, call) => protect(forge(), inputs, state.accountIds, call.signal),
    delete: async (_, state, call) => {
      const api = tagProtections(forge(), state, call.signal);
      const rule = ruleFor(await api.list(), state.pattern);
      if (rule !== undefined) await api.remove(rule.id);
    },
  };
  return typedResource(type);
};

const GONE = "the rule is gone";

const wishOf = ({ owner, repo, pattern, pushers }: State): Inputs => ({ owner, repo, pattern, pushers });

/** Writes the rule, reads all rules back, and fails unless exactly the listed people may push such a tag. */
async function protect(forge: Forge, inputs: Inputs, recordedIds: AccountIds, signal: AbortSignal): Promise<State> {
  await repoApi(forge, inputs, signal).mustExist();
  const api = tagProtections(forge, inputs, signal);
  const before = ruleFor(await api.list(), inputs.pattern);
  const ids = await identifyAccounts(forge, inputs.pushers, recordedIds, signal);
  const there = before ?? (await create(api, inputs));
  await api.setLogins(there.id, inputs.pushers);
  const rules = await api.list();
  const rule = ruleFor(rules, inputs.pattern);
  if (rule === undefined) throw new ProviderError(`${idOf(inputs)}: the rule is gone right after it was written`);
  const refused = without(inputs.pushers, rule.whitelist_usernames);
  if (refused.length > 0) {
    throw new ProviderError(
      `${idOf(inputs)}: the forge does not show ${refused.join(", ")} on the rule's list. It shows only people who can see ` +
        "the repository: make them a member of its organisation or an owner, then run again.",
    );
  }
  const now = stateOf(inputs, ids, rule, rules);
  if (now.gaps.length === 0) return now;
  throw new ProviderError(`${idOf(inputs)} is not protected as it should be: ${now.gaps.join("; ")}`);
}

/** The forge makes no rule with an empty list, and takes everybody off one that exists. */
const create = async (api: TagProtections, { pattern, pushers }: Inputs): Promise<TagRule> =>
  api.create(pattern, pushers.length > 0 ? pushers : [await api.self()]);

function stateOf(inputs: Inputs, ids: AccountIds, rule: TagRule, rules: readonly TagRule[]): State {
  // One rule that lets somebody push is enough, whatever the others say.
  const others = rules.filter(({ id, name_pattern }) => id !== rule.id && mayOverlap(name_pattern, inputs.pattern));
  const gaps = [
    ...rule.whitelist_teams.map((team) => `the team ${team} is on the rule's list`),
    ...others.flatMap((other) => {
      const more = [...without(other.whitelist_usernames, inputs.pushers), ...other.whitelist_teams];
      return more.length === 0
        ? []
        : [
            `the rule "${other.name_pattern}" may let ${more.join(", ")} push them too: take them off its list, or give ` +
              "it a pattern that matches no such tag",
          ];
    }),
  ];
  return { ...inputs, pushers: [...rule.whitelist_usernames], gaps, accountIds: ids };
}

const ruleFor = (rules: readonly TagRule[], pattern: string): TagRule | undefined =>
  rules.find(({ name_pattern }) => name_pattern === pattern);

const idOf = ({ owner, repo, pattern }: Place) => `${owner}/${repo}/${pattern}`;

/** @throws ProviderError for an id of another form, as an import may give one */
function placeOf(id: string): Place {
  const [owner = "", repo = "", ...rest] = id.split("/");
  const pattern = rest.join("/");
  if (owner !== "" && repo !== "" && pattern !== "") return { owner, repo, pattern };
  throw new ProviderError(`"${id}" is no id of a tag protection: give owner/repo/pattern`);
}
