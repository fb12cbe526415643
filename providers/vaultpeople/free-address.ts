/**
 * Frees an address in Vault of its former holder, for the person whom the roster gives it to: from the entity of an offboarded
 * user at once, and from that of another present person when their turn has released it.
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { Entity, Identities } from "../../clients/vault/identities.ts";
import { ProviderError } from "../runtime/errors.ts";

export interface AddressClaim {
  /** The person's entity, as messages name it. */
  readonly name: string;
  /** Null while no address of theirs is known. */
  readonly alias: string | null;
  /** The address was another person's, and is theirs from this run on. */
  readonly isReassigned: boolean;
}

/**
 * Waits for an address that is another present person's. A roster has each address once, so this run takes it from them; in
 * a swap they wait likewise, so the own former address is released first.
 * @param named the person's entity, where there is one
 * @param found the entity that the address leads to
 * @returns the entity that the address leads to then
 * @throws ProviderError when it stays another's
 */
export async function freeAddress(
  people: Identities,
  claim: AddressClaim,
  named: Entity | undefined,
  found: Entity | undefined,
  signal: AbortSignal,
): Promise<Entity | undefined> {
  const { alias } = claim;
  const isConflict = (other: Entity | undefined): other is Entity =>
    other !== undefined && other.id !== named?.id && !isMadeBySignIn(other) && (named !== undefined || isOurs(other));
  // Nobody takes an address from somebody who was offboarded, or from an entity of another program.
  const isReleased = (other: Entity) => !other.disabled && isOurs(other);
  let other = await withoutFormerHolder(people, claim, named, found);
  if (alias === null || !isConflict(other)) return other;
  if (named !== undefined && isReleased(other)) await people.unpoint(named);
  for (let tries = 0; tries < RELEASE_TRIES && isConflict(other) && isReleased(other); tries += 1) {
    await sleep(RELEASE_PAUSE_MS, undefined, { signal });
    other = await people.byAlias(alias);
  }
  // Instead of giving it up, the other one may have been offboarded meanwhile.
  other = await withoutFormerHolder(people, claim, named, other);
  if (isConflict(other)) throw conflict(claim, other);
  return other;
}

/** The other person's turn may come after that of many others. */
const RELEASE_TRIES = 60;
const RELEASE_PAUSE_MS = 500;

/**
 * Takes an address that the roster has given on from an entity that nobody present has by a name: of somebody offboarded, or
 * one that a former holder's sign-in made. Taken over, it would give the former holder's tokens the new one's rights.
 * @returns the entity that the address leads to then
 */
async function withoutFormerHolder(
  people: Identities,
  { isReassigned }: AddressClaim,
  named: Entity | undefined,
  holder: Entity | undefined,
): Promise<Entity | undefined> {
  if (holder === undefined || !isReassigned || holder.id === named?.id) return holder;
  if (!isMadeBySignIn(holder) && !(holder.disabled && isOurs(holder))) return holder;
  await people.unpoint(holder);
  return undefined;
}

/** Vault makes such an entity at the first sign-in of somebody whom it does not know. */
export const isMadeBySignIn = (entity: Entity) =>
  /^entity_[0-9a-f]{8}$/.test(entity.name) && entity.policies.length === 0;

export const isOurs = (entity: Entity) => entity.name.startsWith("namespace-owner-");

const conflict = ({ name, alias }: AddressClaim, other: Entity) =>
  new ProviderError(
    `${name}: ${alias} already signs in as the entity "${other.name}"${other.disabled ? " (disabled)" : ""}. Two people ` +
      "cannot share an address. If it was given to somebody new, remove that alias from the old entity in Vault, then run again.",
  );
