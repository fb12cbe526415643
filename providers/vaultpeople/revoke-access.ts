/**
 * Revokes an offboarded user's access in Vault: disables the entity and removes the roles, then revokes the live
 * tokens. This order keeps a new token from being issued after the tokens were listed. Roles that somebody lost are revoked
 * alike, and of a role that is the next owner's what was issued to the former one.
 */

import { z } from "zod";
import { ProviderError } from "../runtime/errors.ts";
import type { Call } from "../runtime/provider.ts";
import { type Entity, identities } from "../../clients/vault/identities.ts";
import { isIssuedThrough, isMarked, type Live, liveTokens, type Marks, revoke } from "../../clients/vault/tokens.ts";
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
  for (const role of roles) await removeRole(vault, kubernetesMount, role, call.signal);
  const marks: Marks = { entityId: entity?.id, policies: leaver.marks, roles, kubernetesMount };
  return { revoked: await revokeAll(vault, leaver.name, (token) => isMarked(token, marks), call.signal) };
}

/** The roles themselves, and every token that a pipeline got through one of them. */
export async function revokeRoles(
  vault: Vault,
  { name, kubernetesMount, roles }: Pick<OffboardedIdentity, "name" | "kubernetesMount" | "roles">,
  signal: AbortSignal,
): Promise<void> {
  if (roles.length === 0) return;
  for (const role of roles) await removeRole(vault, kubernetesMount, role, signal);
  await revokeAll(vault, name, (token) => isIssuedThrough(token, { kubernetesMount, roles }), signal);
}

/**
 * The former owner's part of roles that are the next owner's: every token that was issued through one of them with a policy of
 * the former owner. Such a token stays with the pipeline of a namespace in which somebody else is at home by now.
 */
export async function revokeHandedOver(
  vault: Vault,
  former: Pick<OffboardedIdentity, "name" | "marks" | "kubernetesMount" | "roles">,
  signal: AbortSignal,
): Promise<void> {
  if (former.roles.length === 0) return;
  await removeOwnRoles(vault, former, signal);
  const isTheirs = (token: Live) =>
    isIssuedThrough(token, former) && token.policies.some((policy) => former.marks.includes(policy));
  await revokeAll(vault, former.name, isTheirs, signal);
}

/** Removes those roles that still give one of these policies: another one is of the namespace's next owner. */
export async function removeOwnRoles(
  vault: Vault,
  { marks, kubernetesMount, roles }: Pick<OffboardedIdentity, "marks" | "kubernetesMount" | "roles">,
  signal: AbortSignal,
): Promise<void> {
  for (const role of roles) {
    const ask = { method: "GET", path: pathOf(kubernetesMount, role), purpose: `read the role ${role}` } as const;
    const policies = (await vault.find(ask, roleAnswer, signal))?.data.token_policies ?? [];
    if (policies.some((policy) => marks.includes(policy))) await removeRole(vault, kubernetesMount, role, signal);
  }
}

const roleAnswer = z.object({ data: z.object({ token_policies: z.array(z.string()).nullish() }) });

const pathOf = (kubernetesMount: string, role: string): string => `auth/${kubernetesMount}/role/${role}`;

const removeRole = (vault: Vault, kubernetesMount: string, role: string, signal: AbortSignal) =>
  vault.tell({ method: "DELETE", path: pathOf(kubernetesMount, role), purpose: `remove the role ${role}` }, signal);

/** @returns how many were revoked */
async function revokeAll(
  vault: Vault,
  name: string,
  isTheirs: (token: Live) => boolean,
  signal: AbortSignal,
): Promise<number> {
  const theirs = async () => (await liveTokens(vault, signal)).filter(isTheirs);
  let revoked = 0;
  for (let pass = 1; pass <= PASSES; pass += 1) {
    const live = await theirs();
    if (live.length === 0) return revoked;
    for (const token of live) await revoke(vault, token, signal);
    revoked += live.length;
  }
  const left = (await theirs()).length;
  if (left === 0) return revoked;
  throw new ProviderError(
    `${name}: ${left} tokens are still live after ${revoked} were revoked; something issues new ones`,
  );
}

/** A sign-in under way when the doors close may bring one token more. */
const PASSES = 3;
