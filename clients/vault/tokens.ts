/** Lists the live tokens of Vault with their owners, and revokes them. Vault ends a token's leases and children with it. */

import { z } from "zod";
import { change, type Vault, VaultError } from "./client.ts";

/** By what a token is known as somebody's. */
export interface Marks {
  readonly entityId: string | undefined;
  /** Policies that nobody else's tokens carry. */
  readonly policies: readonly string[];
  /** Roles of the Kubernetes mount that are theirs. */
  readonly roles: readonly string[];
  readonly kubernetesMount: string;
}

/** A live token; its value is never known here. */
export interface Live {
  readonly accessor: string;
  readonly entityId: string;
  readonly policies: readonly string[];
  /** Where it was issued: `auth/oidc/login`. */
  readonly path: string;
  readonly role: string;
}

const listing = z.object({ data: z.object({ keys: z.array(z.string()) }) });
const looked = z.object({
  data: z.object({
    accessor: z.string(),
    // Vault always says these: an answer without them would make somebody's token nobody's.
    entity_id: z.string(),
    policies: z.array(z.string()).nullable(),
    path: z.string(),
    meta: z.record(z.string(), z.string()).nullish(),
  }),
});

/** Every live token. @throws VaultError when any of them cannot be told: a part would pass for the whole */
export async function liveTokens(vault: Vault, signal: AbortSignal): Promise<readonly Live[]> {
  const ask = {
    method: "GET",
    path: "auth/token/accessors/?list=true",
    purpose: "list the tokens that are out",
  } as const;
  const accessors = (await vault.find(ask, listing, signal))?.data.keys ?? [];
  // The program's own token is always among them, unless something other than Vault answers.
  if (accessors.length === 0)
    throw new VaultError(`cannot ${ask.purpose}: Vault lists no token at all, not even the program's own`);
  const found: Live[] = [];
  const queue = [...accessors];
  const worker = async () => {
    for (let accessor = queue.pop(); accessor !== undefined; accessor = queue.pop()) {
      const live = await findToken(vault, accessor, signal);
      if (live !== undefined) found.push(live);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return found;
}

const AT_ONCE = 8;

export const isMarked = (token: Live, marks: Marks): boolean =>
  (marks.entityId !== undefined && token.entityId === marks.entityId) ||
  token.policies.some((policy) => marks.policies.includes(policy)) ||
  isIssuedThrough(token, marks);

/** Whether a pipeline got the token through one of these roles. */
export const isIssuedThrough = (
  { path, role }: Pick<Live, "path" | "role">,
  { kubernetesMount, roles }: Pick<Marks, "kubernetesMount" | "roles">,
): boolean => path === `auth/${kubernetesMount}/login` && roles.includes(role);

/** A token that ended in the meantime is as good as one that we ended. */
export async function revoke(vault: Vault, { accessor }: Pick<Live, "accessor">, signal: AbortSignal): Promise<void> {
  const ask = {
    method: "POST",
    path: "auth/token/revoke-accessor",
    body: { accessor },
    purpose: "revoke a token",
  } as const;
  try {
    await change(vault, ask, signal);
  } catch (cause) {
    if (!isGone(cause)) throw cause;
  }
}

/** @returns undefined only where Vault itself says that the token has ended */
export async function findToken(vault: Vault, accessor: string, signal: AbortSignal): Promise<Live | undefined> {
  const ask = {
    method: "POST",
    path: "auth/token/lookup-accessor",
    body: { accessor },
    purpose: "see whose a token is",
  } as const;
  try {
    const data = (await vault.find(ask, looked, signal))?.data;
    if (data === undefined)
      throw new VaultError(`cannot ${ask.purpose}: Vault answers without saying whether it lives`);
    const { entity_id: entityId, path } = data;
    return { accessor, entityId, policies: data.policies ?? [], path, role: data.meta?.role ?? "" };
  } catch (cause) {
    if (isGone(cause)) return undefined;
    throw cause;
  }
}

/** Vault's word for an accessor whose token has ended: with 403 it would otherwise pass for a lack of rights. */
const isGone = (cause: unknown): boolean => cause instanceof VaultError && /invalid accessor/.test(cause.serverMessage);
