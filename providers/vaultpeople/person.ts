/**
 * Manages one person's identity in Vault. State `present`: their sign-in leads to an entity with their policies. State
 * `left`: that entity is disabled, their roles are gone, and every token already issued is revoked. Removing the
 * resource never gives anything back: a user who returns is present again. In both states roles of lost namespaces are gone,
 * and what was issued to them through a role that is the next owner's by now.
 */

import { z } from "zod";
import { ProviderError } from "../runtime/errors.ts";
import type { Call, Resource } from "../runtime/provider.ts";
import { typedResource, type TypedResource } from "../runtime/typed-resource.ts";
import { parseInputs, parseState } from "../runtime/parse-inputs.ts";
import { freeAddress, isMadeBySignIn, isOurs } from "./free-address.ts";
import { removeOwnRoles, revokeAccess, revokeHandedOver, revokeRoles } from "./revoke-access.ts";
import { type Entity, folded, identities, type Identities } from "../../clients/vault/identities.ts";
import { isMarked, liveTokens } from "../../clients/vault/tokens.ts";
import type { Vault } from "../../clients/vault/client.ts";

const inputsSchema = z.object({
  /** What the entity is called when this program makes it. */
  name: z.string().min(1),
  /** What an entity of theirs may be called from before a rename. An entity of that name is theirs only where more says so. */
  formerName: z.string().min(1).nullable(),
  state: z.enum(["present", "left"]),
  /** What they sign in as; null while it is not known. */
  alias: z.string().min(1).nullable(),
  /** The address was another person's: what signed in by it until now is not theirs. A state without it is of a former version. */
  isReassignedAlias: z.boolean().default(false),
  /** Auth mount of the alias. */
  mount: z.string().min(1),
  /** Policies of the entity. Others that it has are not ours and stay. */
  policies: z.array(z.string()),
  /** All policies that only this person's tokens carry, the entity's own included. */
  marks: z.array(z.string()),
  kubernetesMount: z.string().min(1),
  /** Their roles of that mount. */
  roles: z.array(z.string()),
  /** Roles that were theirs and are nobody's today. A state without them is of a former version. */
  lostRoles: z.array(z.string()).default([]),
  /** Roles that were theirs and are somebody else's today. A state without them is of a former version. */
  handedOverRoles: z.array(z.string()).default([]),
});
const stateSchema = inputsSchema.extend({
  /** Null for somebody who needs no entity and has none. */
  entityId: z.string().nullable(),
  /** How many of their tokens were live when last seen after the cut; 0 for somebody present. */
  live: z.int(),
  /** How many tokens leaving has revoked. */
  revoked: z.int(),
});

export type Inputs = z.output<typeof inputsSchema>;
type State = z.output<typeof stateSchema>;

export function person(vault: () => Vault): Resource {
  const type: TypedResource<Inputs, State> = {
    parse: parseInputs(inputsSchema),
    remember: parseState(stateSchema),
    secrets: [],
    computed: ["entityId", "live", "revoked"],
    replaceOn: [],
    differences: (state, inputs) => {
      const changed = (Object.keys(inputsSchema.shape) as (keyof Inputs)[]).filter((field) => {
        // Whose the address was matters to whoever gets it, and to nobody who has it.
        if (field === "isReassignedAlias") return false;
        // What was handed over is revoked once, and no state has to say later that it was.
        if (field === "handedOverRoles") return newlyHandedOver(inputs, state).length > 0;
        return textOf(state[field]) !== textOf(inputs[field]);
      });
      const alive = inputs.state === "left" && state.live > 0 && !changed.includes("state") ? (["state"] as const) : [];
      return [...changed, ...alive];
    },
    create: async (inputs, call) => ({ id: inputs.name, have: await settle(vault(), inputs, undefined, call) }),
    update: (_, state, inputs, call) => settle(vault(), inputs, state, call),
    read: async (id, state, call) => {
      if (state === undefined)
        throw new ProviderError(`${id}: there is nothing to import; the program finds the entity by itself`);
      const found = await look(vault(), state, call);
      return { have: found, want: pick(found) };
    },
    delete: async (_, state, call) => {
      if (state.state === "present") await withdraw(vault(), state, call);
    },
  };
  return typedResource(type);
}

async function settle(vault: Vault, inputs: Inputs, before: State | undefined, call: Call): Promise<State> {
  const people = identities(vault, inputs.mount, call.signal);
  const marks = [...new Set([...inputs.marks, ...(before?.marks ?? [])])];
  if (inputs.state === "left") {
    const entity = await entityOf(people, inputs, before);
    const roles = [...inputs.roles, ...inputs.lostRoles];
    // Their tokens go below, by the policies alone.
    await removeOwnRoles(vault, { ...inputs, marks, roles: inputs.handedOverRoles }, call.signal);
    const { revoked } = await revokeAccess(vault, { ...inputs, roles, marks, entity }, call);
    // Until somebody else is given the address it stays with the disabled entity, so that it opens nothing.
    if (entity !== undefined && isReassigned(inputs, before)) await people.unpoint(entity);
    return { ...inputs, entityId: entity?.id ?? null, live: 0, revoked: (before?.revoked ?? 0) + revoked };
  }
  const entity = await welcome(people, { ...inputs, marks }, before, call.signal);
  await revokeRoles(vault, { ...inputs, roles: minus(inputs.lostRoles, before?.lostRoles ?? []) }, call.signal);
  await revokeHandedOver(vault, { ...inputs, marks, roles: newlyHandedOver(inputs, before) }, call.signal);
  return { ...inputs, entityId: entity?.id ?? null, live: 0, revoked: 0 };
}

/**
 * Takes away all that the program gave to somebody whose resource goes, as where the stack gives Vault up. An entity that is
 * not the program's own stays enabled, and keeps its tokens without these policies.
 */
async function withdraw(vault: Vault, state: State, call: Call): Promise<void> {
  const found =
    state.entityId === null ? undefined : await identities(vault, state.mount, call.signal).byId(state.entityId);
  // The engine deletes last, when a role may be the namespace's next owner's.
  const roles = [...state.roles, ...state.lostRoles, ...state.handedOverRoles];
  await removeOwnRoles(vault, { ...state, roles }, call.signal);
  if (found !== undefined && !isOurs(found))
    await identities(vault, state.mount, call.signal).change(found.id, {
      policies: minus(found.policies, state.marks),
    });
  const entity = found !== undefined && isOurs(found) ? found : undefined;
  await revokeAccess(vault, { ...state, entity, roles: [] }, call);
}

const newlyHandedOver = ({ handedOverRoles }: Inputs, before: State | undefined): readonly string[] =>
  minus(handedOverRoles, before?.handedOverRoles ?? []);

/** The entity with their policies. Whoever has none and needs none gets none. */
async function welcome(
  people: Identities,
  inputs: Inputs,
  before: State | undefined,
  signal: AbortSignal,
): Promise<Entity | undefined> {
  const { name, alias } = inputs;
  const found = alias === null ? undefined : await people.byAlias(alias);
  const former = await renamedEntity(people, inputs, before, found);
  const named = (await people.byName(name)) ?? former ?? (await rememberedEntity(people, before));
  const isNew = folded(before?.alias ?? "") !== folded(alias ?? "");
  const claim = { name, alias, isReassigned: inputs.isReassignedAlias && isNew };
  const signsInAs = await freeAddress(people, claim, named, found, signal);
  const entity =
    named ?? signsInAs ?? (inputs.policies.length === 0 ? undefined : await people.create(name, inputs.policies));
  if (entity === undefined) return undefined;
  // A hand that disabled somebody present meant it; only our own cut is undone, on their return.
  const returns = before?.state === "left" || (before === undefined && entity.name === name);
  const renamed =
    entity.name !== name && (entity.id === former?.id || (isMadeBySignIn(entity) && inputs.policies.length > 0));
  // A former name's policy must not stay with them: the roster may give that name a meaning again.
  const marks = former === undefined ? inputs.marks : [...inputs.marks, former.name];
  await people.change(entity.id, {
    policies: [...minus(entity.policies, marks), ...inputs.policies],
    ...(renamed ? { name } : {}),
    ...(returns && entity.disabled ? { disabled: false } : {}),
  });
  if (alias !== null && signsInAs?.id !== entity.id) await people.point(alias, entity);
  // An address that was theirs and is nobody's any more must open nothing.
  if (alias === null && before?.alias != null && before.entityId === entity.id) await people.unpoint(entity);
  return checked(people, inputs, entity.id);
}

/** The entity that a sign-in made for them before: it goes along to another address, as do the tokens that it has out. */
async function rememberedEntity(people: Identities, before: State | undefined): Promise<Entity | undefined> {
  const remembered = before?.entityId == null ? undefined : await people.byId(before.entityId);
  return remembered !== undefined && isMadeBySignIn(remembered) ? remembered : undefined;
}

/** Somebody else is given the address that was theirs. */
const isReassigned = ({ alias }: Inputs, before: State | undefined): boolean => alias === null && before?.alias != null;

/**
 * The entity of a former name, which the roster states or the state remembers, where it was theirs in the state or their
 * address leads to it: a name alone proves nothing.
 */
async function renamedEntity(
  people: Identities,
  { formerName }: Inputs,
  before: State | undefined,
  holder: Entity | undefined,
): Promise<Entity | undefined> {
  for (const name of new Set([formerName, before?.name])) {
    const former = name == null ? undefined : await people.byName(name);
    if (former !== undefined && (former.id === before?.entityId || former.id === holder?.id)) return former;
  }
  return undefined;
}

/** Reads back what was written. @throws ProviderError when it did not come about */
async function checked(people: Identities, inputs: Inputs, id: string): Promise<Entity> {
  const now = await people.byId(id);
  const missing = now === undefined ? inputs.policies : minus(inputs.policies, now.policies);
  if (now === undefined || missing.length > 0) {
    throw new ProviderError(
      `${inputs.name}: the entity ${id} lacks ${missing.join(", ") || "everything"} right after it was written`,
    );
  }
  if (inputs.alias !== null && inputs.policies.length > 0 && (await people.byAlias(inputs.alias))?.id !== id) {
    throw new ProviderError(
      `${inputs.name}: ${inputs.alias} does not sign in as this entity although the alias was written`,
    );
  }
  const others = (await people.aliasNames(now)).filter((name) => folded(name) !== folded(inputs.alias ?? name));
  if (others.length > 0)
    throw new ProviderError(
      `${inputs.name}: ${others.join(", ")} still signs in as this entity although it was renamed`,
    );
  return now;
}

/** By what was remembered, by the sign-in, by the name: in this order, since names and addresses can be given anew. */
const entityOf = async (people: Identities, inputs: Inputs, before: State | undefined): Promise<Entity | undefined> => {
  const remembered = before?.entityId == null ? undefined : await people.byId(before.entityId);
  const named = remembered ?? (await people.byName(inputs.name));
  // It is released by whoever leaves before somebody else gets it.
  const alias = inputs.alias ?? before?.alias ?? null;
  if (named !== undefined || alias === null) return named;
  const aliased = await people.byAlias(alias);
  // An address that somebody else has been given since leads to them, and they stay.
  return aliased === undefined || isOurs(aliased) ? undefined : aliased;
};

async function look(vault: Vault, state: State, call: Call): Promise<State> {
  const people = identities(vault, state.mount, call.signal);
  const entity = state.entityId === null ? undefined : await people.byId(state.entityId);
  if (state.state === "left") {
    const marks = {
      entityId: state.entityId ?? undefined,
      policies: state.marks,
      roles: state.roles,
      kubernetesMount: state.kubernetesMount,
    };
    const live = (await liveTokens(vault, call.signal)).filter((token) => isMarked(token, marks)).length;
    // An enabled entity lets them in again, which counts like a live token.
    return { ...state, live: live + (entity !== undefined && !entity.disabled ? 1 : 0) };
  }
  if (entity?.disabled === true)
    call.log.warning(`${state.name}: somebody has disabled the entity in Vault; it is left so`);
  const aliased = state.alias === null ? undefined : await people.byAlias(state.alias);
  const alias = entity !== undefined && aliased?.id !== entity.id ? null : state.alias;
  return {
    ...state,
    entityId: entity?.id ?? null,
    policies: state.policies.filter((policy) => entity?.policies.includes(policy) ?? false),
    alias: state.policies.length === 0 ? state.alias : alias,
  };
}

const minus = (a: readonly string[], b: readonly string[]): string[] => a.filter((entry) => !b.includes(entry));

/** Lists are sets here. */
const textOf = (value: Inputs[keyof Inputs]): string =>
  JSON.stringify(Array.isArray(value) ? [...value].sort() : value);

const pick = (found: State): Inputs => inputsSchema.parse(found);
