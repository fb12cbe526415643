/** Vault: everybody's policies and roles as they stand there, and that who left stays out. */

import type { VaultCall } from "../stack/vault-client.ts";
import { type Look, driftOf } from "./drift.ts";
import type { Finding } from "./finding.ts";
import { jsonIn } from "./json.ts";
import { inLanes } from "./lanes.ts";
import type { Remembered } from "./remembered.ts";
import { isObject } from "./same.ts";
import type { Register } from "./whose.ts";

const POLICY = "vault:index/policy:Policy";
const ROLE = "vault:kubernetes/authBackendRole:AuthBackendRole";
const PERSON = "vaultpeople:index:Person";

/** Whoever is present is the provider's to look at; whoever left is looked at here, without reading every token of Vault. */
export const isOfWhoLeft = ({ type, inputs }: Remembered): boolean => type === PERSON && inputs.state === "left";

export async function vaultFindings(
  call: VaultCall,
  made: readonly Remembered[],
  register: Register,
): Promise<readonly Finding[]> {
  const ours = made.filter((one) => one.type === POLICY || one.type === ROLE || isOfWhoLeft(one));
  return (await inLanes(ours, async (one) => driftOf(one, await lookAt(call, one), register))).flat();
}

async function lookAt(call: VaultCall, made: Remembered): Promise<Look> {
  const { type, inputs, outputs } = made;
  if (type === POLICY) {
    return seen(call, `sys/policies/acl/${word(inputs.name)}`, (data) => ({ ...inputs, policy: data.policy }));
  }
  if (type === ROLE) {
    const path = `auth/${word(inputs.backend)}/role/${word(inputs.roleName)}`;
    return seen(call, path, (data) => roleOf(inputs, data));
  }
  const { entityId } = outputs;
  if (typeof entityId !== "string") return { kind: "found", object: inputs };
  const look = await seen(call, `identity/entity/id/${word(entityId)}`, (data) => ({
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
  call: VaultCall,
  path: string,
  object: (data: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>,
): Promise<Look> {
  try {
    const { status, text } = await call("GET", path);
    const answer = jsonIn(text);
    // Vault's own 404 is JSON with a list of errors; a proxy's page says nothing about Vault.
    if (status === 404 && isObject(answer) && Array.isArray(answer.errors)) return { kind: "gone" };
    if (status !== 200 || !isObject(answer) || !isObject(answer.data))
      return { kind: "unread", why: `Vault answers /v1/${path} with status ${status}` };
    return { kind: "found", object: object(answer.data) };
  } catch (cause) {
    return { kind: "unread", why: `Vault does not answer: ${(cause as Error).message}` };
  }
}

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
