/**
 * Manages a person's token for the forge: narrow, replaced by age with an overlap, and revoked when they are
 * offboarded.
 */

import { z } from "zod";
import { typedResource, type TypedResource } from "../../runtime/typed-resource.ts";
import type { Resource } from "../../runtime/provider.ts";
import { UNKNOWN } from "../../runtime/property-values.ts";
import { ProviderError } from "../../runtime/errors.ts";
import { hasLogin, renamedTo } from "../../../clients/forgejo/accounts-by-id.ts";
import type { Forge } from "../../../clients/forgejo/client.ts";
import type { AccessToken } from "../../../clients/forgejo/schemas.ts";
import { type TokenApi, tokenApi } from "../../../clients/forgejo/access-tokens.ts";
import { parseInputs, parseState } from "../../runtime/parse-inputs.ts";
import { DAY_MS, rotationOf } from "../../token-rotation.ts";
import { login } from "./common-schemas.ts";
import { WantedLogins } from "./wanted-logins.ts";

const inputsSchema = z.object({
  login,
  /** Every token of ours is called this and a number; whatever is called so is ours. */
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, "must be letters, digits, dots, dashes and underscores"),
  scopes: z.array(z.string().regex(/^(read|write):[a-z]+$/, "must be as in write:repository")).min(1),
  rotateAfterDays: z.number().positive(),
  overlapDays: z.number().nonnegative(),
  /** Another number replaces the token at once. A state without it is of a former version. */
  generation: z.int().default(1),
  /** There is to be none: they left. A state without it is of a former version. */
  revoked: z.boolean().default(false),
  /** A number of the person that nobody else has. A state without it is of a former version. */
  holder: z.int().nullable().default(null),
  /** What the person is called today who gave this login up. */
  successor: login.nullable().default(null),
});
const stateSchema = inputsSchema.extend({
  token: z.string(),
  tokenId: z.int(),
  tokenName: z.string(),
  issuedAtMs: z.number(),
  previousId: z.int().nullable(),
  retireAtMs: z.number().nullable(),
  /** Id of the account, which survives a rename; null in the state of an earlier version, or without an account. */
  accountId: z.int().nullable().default(null),
});

type Inputs = z.output<typeof inputsSchema>;
type State = z.output<typeof stateSchema>;

/** @param now milliseconds since 1970 */
export function accessToken(forge: () => Forge, now: () => number): Resource {
  const holders = new WantedLogins();
  const type: TypedResource<Inputs, State> = {
    parse: (inputs) => {
      const parsed = parseInputs(inputsSchema)(inputs);
      if (parsed.ok && !parsed.want.revoked) holders.add(parsed.want.name, parsed.want.login);
      return parsed;
    },
    remember: parseState(stateSchema),
    secrets: ["token"],
    computed: ["token", "tokenId", "tokenName", "issuedAtMs", "previousId", "retireAtMs", "accountId"],
    replaceOn: ["login", "name"],
    // Both would be called by the same name.
    deleteBeforeReplace: true,
    differences: (state, inputs) => {
      const changed = FIELDS.filter((field) => state[field] !== inputs[field]);
      if (inputs.revoked || state.revoked) return changed;
      const scopes = state.scopes.join() === inputs.scopes.join() ? [] : (["scopes"] as const);
      const { issue, retire } = rotation(state, inputs, now());
      const days = (["rotateAfterDays", "overlapDays"] as const).filter((field) => state[field] !== inputs[field]);
      const due = [...(issue ? (["rotateAfterDays"] as const) : []), ...(retire ? (["overlapDays"] as const) : [])];
      return [...new Set([...changed, ...scopes, ...days, ...due])];
    },
    create: async (inputs, call) => {
      const api = tokenApi(forge(), inputs, call.signal);
      return { id: `${inputs.login}/${inputs.name}`, have: await fromNothing(api, inputs, holders, now()) };
    },
    read: async (id, state, call) => {
      if (state === undefined)
        throw new ProviderError(
          `${id}: a token cannot be imported, since the forge never tells its value again; remove it and let the program issue its own`,
        );
      const api = tokenApi(forge(), ownerOf(state), call.signal);
      const account = await api.account();
      if (state.revoked && account !== undefined && holders.goesOn(state.name, account, state))
        return { have: state, want: pick(state) };
      if (account !== undefined && !hasLogin(account, state.login)) call.log.warning(renamedTo(state.login, account));
      const tokens = await api.list();
      const ids = new Set(tokens?.map((token) => token.id));
      if (state.revoked) {
        // One that is there again is no longer what was asked.
        const found = { ...state, revoked: !tokens?.some((token) => serialOf(token, state.name) > 0) };
        return { have: found, want: pick(found) };
      }
      if (!ids.has(state.tokenId)) return undefined;
      const still = state.previousId !== null && ids.has(state.previousId);
      const found = still ? state : { ...state, previousId: null, retireAtMs: null };
      return { have: found, want: pick(found) };
    },
    update: async (_, state, inputs, call) => {
      const api = tokenApi(forge(), ownerOf(state), call.signal);
      if (inputs.revoked || state.revoked || endsAtOnce(state, inputs)) return fromNothing(api, inputs, holders, now());
      const { id: accountId } = await api.requireAccount();
      const due = rotation(state, inputs, now());
      const again = due.issue || state.scopes.join() !== inputs.scopes.join();
      const previous = due.retire || again ? null : state.previousId;
      const serial = await revokeAllBut(api, inputs, [state.tokenId, ...(previous === null ? [] : [previous])]);
      if (!again)
        return {
          ...state,
          ...inputs,
          accountId,
          previousId: previous,
          retireAtMs: previous === null ? null : state.retireAtMs,
        };
      // Issued last: nothing can fail after it and lose a value that is told only once.
      const fresh = await issue(api, inputs, serial + 1, now());
      return { ...fresh, previousId: state.tokenId, retireAtMs: now() + inputs.overlapDays * DAY_MS };
    },
    delete: async (_, state, call) => {
      const api = tokenApi(forge(), ownerOf(state), call.signal);
      const account = await api.account();
      if (account !== undefined && holders.goesOn(state.name, account, state)) return;
      await revokeAllBut(api, state, []);
    },
  };
  const resource = typedResource(type);
  return {
    ...resource,
    // What receives the token has to know in a preview that another one is coming.
    update: async (args, call) => {
      const state = await resource.update?.(args, call);
      if (state === undefined) throw new Error("access tokens are updated in place");
      const comes = resource.diff({ ...args, state: args.state }, call).then(({ changes }) => changes.some(isRenewing));
      return args.preview && (await comes) ? { ...state, token: UNKNOWN } : state;
    },
  };
}

const FIELDS = ["login", "name", "generation", "revoked", "holder", "successor"] as const;

const isRenewing = ({ path }: { readonly path: string }) =>
  /^(rotateAfterDays|scopes|generation|revoked|holder)/.test(path);

/** Whoever knew the token keeps nothing: a former holder of the account, or whoever has read a lost host's disk. */
const endsAtOnce = (state: State, inputs: Inputs): boolean =>
  (state.holder !== null && state.holder !== inputs.holder) || state.generation !== inputs.generation;

/** Whatever was issued under the name is revoked; then the one that is wanted, or none. */
async function fromNothing(api: TokenApi, inputs: Inputs, holders: WantedLogins, nowMs: number): Promise<State> {
  const account = inputs.revoked ? await api.account() : undefined;
  // Under its present login the account has a token of its own, which was issued after every other was revoked.
  const goesOn = account !== undefined && holders.goesOn(inputs.name, account, inputs);
  const serial = goesOn ? 0 : await revokeAllBut(api, inputs, []);
  if (!inputs.revoked) return issue(api, inputs, serial + 1, nowMs);
  const accountId = goesOn ? null : (account?.id ?? null);
  return {
    ...inputs,
    token: "",
    tokenId: 0,
    tokenName: "",
    issuedAtMs: 0,
    previousId: null,
    retireAtMs: null,
    accountId,
  };
}

const ownerOf = ({ login: name, accountId }: State) => ({ login: name, id: accountId ?? undefined });

const rotation = (state: State, rule: Inputs, nowMs: number) =>
  rotationOf(state, state.retireAtMs === null ? undefined : { retireAtMs: state.retireAtMs }, rule, nowMs);

async function issue(api: TokenApi, inputs: Inputs, serial: number, nowMs: number): Promise<State> {
  const minted = await api.mint(`${inputs.name}-${serial}`, inputs.scopes);
  return {
    ...inputs,
    token: minted.sha1,
    tokenId: minted.id,
    tokenName: minted.name,
    issuedAtMs: nowMs,
    previousId: null,
    retireAtMs: null,
    accountId: (await api.account())?.id ?? null,
  };
}

/**
 * Revokes every token of that name but the given ones: a run that was killed between issuing and remembering leaves one.
 * @returns the highest number that is, or was, in use
 * @throws ProviderError when one is still there afterwards
 */
async function revokeAllBut(api: TokenApi, { login: who, name }: Inputs, keep: readonly number[]): Promise<number> {
  const ours = (tokens: readonly AccessToken[] | undefined) =>
    (tokens ?? []).filter((token) => serialOf(token, name) > 0);
  const before = ours(await api.list());
  const surplus = before.filter((token) => !keep.includes(token.id));
  for (const token of surplus) await api.revoke(token.id);
  if (surplus.length > 0) {
    const left = ours(await api.list()).filter((token) => !keep.includes(token.id));
    if (left.length > 0)
      throw new ProviderError(`${left.length} tokens of ${who} are still valid although they were revoked`);
  }
  return Math.max(0, ...before.map((token) => serialOf(token, name)));
}

/** 0 for a token that is not of this name. */
const serialOf = (token: AccessToken, name: string): number => {
  const [, serial] = token.name.startsWith(`${name}-`) ? (/-(\d{1,9})$/.exec(token.name) ?? []) : [];
  return serial !== undefined && token.name === `${name}-${serial}` ? Number(serial) : 0;
};

const pick = (found: State): Inputs => inputsSchema.parse(found);
