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

const want = z.object({
  ...repoFields,
  pattern: z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9._/-]*\/\*$/, "must be a folder of tags, as in confirm/*"),
  /** Who may push such a tag. Nobody, where the list is empty. */
  pushers: z.array(login),
});

const have = want.extend({
  /** What lets anybody else push such a tag: empty after every update. */
  gaps: z.array(z.string()),
  accountIds,
});

type Want = z.output<typeof want>;
type Have = z.output<typeof have>;
type Place = Pick<Want, "owner" | "repo" | "pattern">;

export const tagProtection = (forge: () => Forge) => {
  const type: TypedResource<Want, Have> = {
    parse: parseInputs(want),
    remember: parseState(have),
    secrets: [],
    computed: ["gaps", "accountIds"],
    // A new resource would take the ids of the listed accounts anew, from whoever has the logins by then.
    replaceOn: [],
    differences: (is, wish) => {
      const moved = (["owner", "repo", "pattern"] as const).filter((field) => is[field] !== wish[field]);
      const isOther = !sameLogins(is.pushers, wish.pushers) || isIdMissing(wish.pushers, is.accountIds);
      return [...moved, ...(isOther || is.gaps.length > 0 ? (["pushers"] as const) : [])];
    },
    create: async (wish, call) => ({ id: idOf(wish), have: await protect(forge(), wish, {}, call.signal) }),
    read: async (id, known, call) => {
      // An update may have moved the rule since the id was given.
      const place = known ?? placeOf(id);
      const rules = await tagProtections(forge(), place, call.signal).list();
      const rule = ruleFor(rules, place.pattern);
      // A rule that a hand removed is made again by an update, which still knows whose the logins were.
      if (rule === undefined) return known && { have: { ...known, pushers: [], gaps: [GONE] }, want: wishOf(known) };
      // An import has no list yet: the people on the rule are taken over as they are.
      const { owner, repo, pattern } = place;
      const wished = { owner, repo, pattern, pushers: known?.pushers ?? [...rule.whitelist_usernames] };
      const found = stateOf(wished, known?.accountIds ?? {}, rule, rules);
      return { have: found, want: wishOf(found) };
    },
    update: (_, is, wish, call) => protect(forge(), wish, is.accountIds, call.signal),
    delete: async (_, is, call) => {
      const api = tagProtections(forge(), is, call.signal);
      const rule = ruleFor(await api.list(), is.pattern);
      if (rule !== undefined) await api.remove(rule.id);
    },
  };
  return typedResource(type);
};

const GONE = "the rule is gone";

const wishOf = ({ owner, repo, pattern, pushers }: Have): Want => ({ owner, repo, pattern, pushers });

/** Writes the rule, reads all rules back, and fails unless exactly the listed people may push such a tag. */
async function protect(forge: Forge, wish: Want, known: AccountIds, signal: AbortSignal): Promise<Have> {
  await repoApi(forge, wish, signal).mustExist();
  const api = tagProtections(forge, wish, signal);
  const before = ruleFor(await api.list(), wish.pattern);
  const ids = await identifyAccounts(forge, wish.pushers, known, signal);
  const there = before ?? (await create(api, wish));
  await api.setLogins(there.id, wish.pushers);
  const rules = await api.list();
  const rule = ruleFor(rules, wish.pattern);
  if (rule === undefined) throw new ProviderError(`${idOf(wish)}: the rule is gone right after it was written`);
  const refused = without(wish.pushers, rule.whitelist_usernames);
  if (refused.length > 0) {
    throw new ProviderError(
      `${idOf(wish)}: the forge does not show ${refused.join(", ")} on the rule's list. It shows only people who can see ` +
        "the repository: make them a member of its organisation or an owner, then run again.",
    );
  }
  const now = stateOf(wish, ids, rule, rules);
  if (now.gaps.length === 0) return now;
  throw new ProviderError(`${idOf(wish)} is not protected as it should be: ${now.gaps.join("; ")}`);
}

/** The forge makes no rule with an empty list, and takes everybody off one that exists. */
const create = async (api: TagProtections, { pattern, pushers }: Want): Promise<TagRule> =>
  api.create(pattern, pushers.length > 0 ? pushers : [await api.self()]);

function stateOf(wish: Want, ids: AccountIds, rule: TagRule, rules: readonly TagRule[]): Have {
  // One rule that lets somebody push is enough, whatever the others say.
  const others = rules.filter(({ id, name_pattern }) => id !== rule.id && mayOverlap(name_pattern, wish.pattern));
  const gaps = [
    ...rule.whitelist_teams.map((team) => `the team ${team} is on the rule's list`),
    ...others.flatMap((other) => {
      const more = [...without(other.whitelist_usernames, wish.pushers), ...other.whitelist_teams];
      return more.length === 0
        ? []
        : [
            `the rule "${other.name_pattern}" may let ${more.join(", ")} push them too: take them off its list, or give ` +
              "it a pattern that matches no such tag",
          ];
    }),
  ];
  return { ...wish, pushers: [...rule.whitelist_usernames], gaps, accountIds: ids };
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
