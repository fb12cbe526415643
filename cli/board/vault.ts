/**
 * Compares the policies and roles in Vault with those that the last deployment made, and checks that the identities of
 * offboarded users stay disabled.
 */

import { z } from "zod";
import { type Vault, VaultError } from "../../clients/vault/client.ts";
import { type Look, driftOf } from "./drift-findings.ts";
import type { Finding } from "./finding.ts";
import { mapConcurrently } from "../map-concurrently.ts";
import type { DeployedResource } from "../stack/deployed-resources.ts";
import type { Register } from "./resource-owner.ts";

/** For all questions to Vault together. */
const LIMIT_MS = 60_000;

const POLICY = "vault:index/policy:Policy";
const ROLE = "vault:kubernetes/authBackendRole:AuthBackendRole";
const PERSON = "vaultpeople:index:Person";

/** Whoever is present is the provider's to look at; whoever left is looked at here, without reading every token of Vault. */
export const isOfOffboardedUser = ({ type, inputs }: DeployedResource): boolean =>
  type === PERSON && inputs.state === "left";

export async function vaultFindings(
  vault: Vault,
  made: readonly DeployedResource[],
  register: Register,
): Promise<readonly Finding[]> {
  const ours = made.filter((one) => one.type === POLICY || one.type === ROLE || isOfOffboardedUser(one));
  const signal = AbortSignal.timeout(LIMIT_MS);
  return (await mapConcurrently(ours, async (one) => driftOf(one, await lookAt(vault, one, signal), register))).flat();
}

async function lookAt(vault: Vault, made: DeployedResource, signal: AbortSignal): Promise<Look> {
  const { type, inputs, outputs } = made;
  if (type === POLICY) {
    return seen(vault, `sys/policies/acl/${word(inputs.name)}`, signal, (data) => ({ ...inputs, policy: data.policy }));
  }
  if (type === ROLE) {
    const path = `auth/${word(inputs.backend)}/role/${word(inputs.roleName)}`;
    return seen(vault, path, signal, (data) => roleOf(inputs, data));
  }
  const { entityId } = outputs;
  if (typeof entityId !== "string") return { kind: "found", object: inputs };
  const look = await seen(vault, `identity/entity/id/${word(entityId)}`, signal, (data) => ({
    ...inputs,
    disabled: data.disabled,
  }));
  // Without an entity nobody signs in as them.
  if (look.kind !== "found" || look.object.disabled === true)
    return look.kind === "gone" ? { kind: "found", object: inputs } : look;
  return { ...look, faults: [{ state: "changed", what: "is enabled although they left" }] };
}

const word = (value: unknown) => encodeURIComponent(String(value));

async function seen(
  vault: Vault,
  path: string,
  signal: AbortSignal,
  object: (data: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>,
): Promise<Look> {
  try {
    const found = await vault.find({ method: "GET", path, purpose: `read ${path}` }, answer, signal);
    return found === undefined ? { kind: "gone" } : { kind: "found", object: object(found.data) };
  } catch (cause) {
    if (!(cause instanceof VaultError)) throw cause;
    const { status, message } = cause;
    const why =
      status === undefined ? `Vault does not answer: ${message}` : `Vault answers /v1/${path} with status ${status}`;
    return { kind: "unread", why };
  }
}

const answer = z.object({ data: z.record(z.string(), z.unknown()) });

/** Vault's words for the fields that were asked for. */
const roleOf = (inputs: Readonly<Record<string, unknown>>, data: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(
    Object.entries(inputs).map(([field, value]) => {
      const theirs = field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
      return [field, theirs in data ? data[theirs] : PLACE.has(field) ? value : undefined];
    }),
  );

/** Fields that say where the role is, and that it does not repeat. */
const PLACE: ReadonlySet<string> = new Set(["backend", "roleName"]);
