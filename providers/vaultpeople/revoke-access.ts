/**
 * Revokes an offboarded user's access in Vault: disables the entity and removes the roles, then revokes the live
 * tokens. This order keeps a new token from being issued after the tokens were listed.
 */

import { ProviderError } from "../runtime/errors.ts";
import type { Call } from "../runtime/provider.ts";
import { type Entity, identities } from "../../clients/vault/identities.ts";
import { isMarked, liveTokens, type Marks, revoke } from "../../clients/vault/tokens.ts";
import type { Vault } from "../../clients/vault/client.ts";

export interface OffboardedIdentity {
  readonly name: string;
  readonly mount: string;
  readonly entity: Entity | undefined;
  /** Policies that only their tokens carry. */
  readonly marks: readonly string[];
  readonly kubernetesMount: string;
  readonly roles: readonly string[];
}

/**
 * @returns how many tokens were revoked
 * @throws ProviderError when one of theirs is still live afterwards
 */
export async function revokeAccess(
  vault: Vault,
  leaver: OffboardedIdentity,
  call: Call,
): Promise<{ readonly revoked: number }> {
  const { entity, kubernetesMount, roles } = leaver;
  if (entity !== undefined) {
    const policies = entity.policies.filter((policy) => !leaver.marks.includes(policy));
    await identities(vault, leaver.mount, call.signal).change(entity.id, { disabled: true, policies });
  }
  for (const role of roles) {
    const path = `auth/${kubernetesMount}/role/${role}`;
    await vault.tell({ method: "DELETE", path, purpose: `remove the role ${role}` }, call.signal);
  }
  const marks: Marks = { entityId: entity?.id, policies: leaver.marks, roles, kubernetesMount };
  const theirs = async () => (await liveTokens(vault, call.signal)).filter((token) => isMarked(token, marks));
  let revoked = 0;
  for (let pass = 1; pass <= PASSES; pass += 1) {
    const live = await theirs();
    if (live.length === 0) return { revoked };
    for (const token of live) await revoke(vault, token, call.signal);
    revoked += live.length;
  }
  const left = (await theirs()).length;
  if (left === 0) return { revoked };
  throw new ProviderError(
    `${leaver.name}: ${left} tokens are still live after ${revoked} were revoked; something issues new ones`,
  );
}

/** A sign-in under way when the doors close may bring one token more. */
const PASSES = 3;
