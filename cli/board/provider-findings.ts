/**
 * Compares the forge, and people's identities in Vault, by the code of this program's own providers. Loaded only when it
 * is asked, since it loads the Pulumi SDK.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { caOf } from "../../config/ca-certificate.ts";
import { requiredSecret } from "../../config/required-secret.ts";
import type { StackSettings } from "../../config/settings/stack-settings.ts";
import { forgejoProvider } from "../../providers/forgejo/provider.ts";
import type { Provider } from "../../providers/runtime/provider.ts";
import { isList, type PropertyMap, type PropertyValue, Secret } from "../../providers/runtime/property-values.ts";
import { vaultPeopleProvider } from "../../providers/vaultpeople/provider.ts";
import { PROJECT } from "../pulumi.ts";
import { type Fault, type Look, driftOf } from "./drift-findings.ts";
import type { Finding } from "./finding.ts";
import { mapConcurrently } from "../map-concurrently.ts";
import type { DeployedResource } from "../stack/deployed-resources.ts";
import { isWithheld } from "../../clients/withheld-value.ts";
import { isObject } from "../../clients/kubernetes/compare-objects.ts";
import type { Register } from "./resource-owner.ts";

/** For all questions to one of them together. */
const LIMIT_MS = 60_000;

/** @param provider configured already, or `undefined` with the reason why it could not be */
export async function providerFindings(
  provider: Provider,
  made: readonly DeployedResource[],
  register: Register,
): Promise<readonly Finding[]> {
  const late = new AbortController();
  const limit = sleep(LIMIT_MS, undefined, { ref: false, signal: late.signal }).then(
    () => late.abort(),
    () => undefined,
  );
  const findings = await mapConcurrently(made, async (one) =>
    driftOf(one, await lookAt(provider, one, late.signal), register),
  );
  late.abort();
  await limit;
  return findings.flat();
}

async function lookAt(provider: Provider, made: DeployedResource, signal: AbortSignal): Promise<Look> {
  const resource = provider.resource(made.type);
  if (resource?.read === undefined) return { kind: "unread", why: "this program's provider cannot read it" };
  const call = { urn: made.name, name: made.name, type: made.type, signal, timeoutMs: undefined, log: LOG };
  const inputs = propertiesOf(made.inputs);
  try {
    const found = await resource.read({ id: made.id, state: propertiesOf(made.outputs), inputs }, call);
    if (found === undefined) return { kind: "gone" };
    const { changes } = await resource.diff(
      { id: made.id, state: found.state, oldInputs: inputs, inputs, ignoreChanges: [] },
      call,
    );
    const fields = new Set(changes.map(({ path }) => path.split(/[.[]/)[0] ?? path));
    // Who is on a list is compared entry by entry.
    const object =
      made.type === LISTS ? { ...made.inputs, push: found.state.push, merge: found.state.merge } : made.inputs;
    return {
      kind: "found",
      object,
      faults: [...fields, ...teamsIn(found.state.teams)].flatMap((field) => faultOf(made, field)),
    };
  } catch (cause) {
    return { kind: "unread", why: (cause as Error).message };
  }
}

const LISTS = "forgejo:index:BranchWriters";
const TOKENS: ReadonlySet<string> = new Set(["forgejo:index:AccessToken", "vaultpeople:index:WorkstationToken"]);

/** The program puts no team on a list. */
const TEAMS = "teams";
const teamsIn = (teams: PropertyValue | undefined): readonly string[] =>
  isList(teams) && teams.length > 0 ? [TEAMS] : [];

function faultOf({ type }: DeployedResource, field: string): readonly Fault[] {
  if (type === LISTS) return field === TEAMS ? [{ state: "changed", what: "a team was put on its lists" }] : [];
  // A token's days are our own rule: they differ when it is due, and nobody has changed it.
  if (TOKENS.has(type) && /Days$/.test(field))
    return [{ state: "pending", what: "is due to be renewed by the next deployment" }];
  return [{ state: "changed", what: `differs in ${field}` }];
}

/** The state's JSON in the providers' form. What is secret there stays the engine's ciphertext and is never looked at. */
const propertiesOf = (values: Readonly<Record<string, unknown>>): PropertyMap =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, propertyOf(value)]));

function propertyOf(value: unknown): PropertyValue {
  if (isWithheld(value)) return new Secret("");
  if (Array.isArray(value)) return value.map(propertyOf);
  if (isObject(value)) return propertiesOf(value);
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? value : null;
}

const SILENT = () => undefined;
const LOG = { debug: SILENT, info: SILENT, warning: SILENT, progress: SILENT };

async function configured(provider: Provider, config: PropertyMap): Promise<Provider> {
  await provider.configure?.(config, LOG);
  return provider;
}

/** People's identities in Vault as the stack's settings reach them. */
export const vaultProvider = ({ vault, vaultToken }: StackSettings) =>
  configured(vaultPeopleProvider(), {
    address: vault?.address ?? "",
    token: requiredSecret(vaultToken, "vaultToken", "vault"),
    ...(vault === undefined ? {} : caOf(vault, PROJECT)),
  });

/** The forge as the stack's settings reach it. */
export const forgeProvider = (
  { devvm, forgejoPassword }: StackSettings,
  forgejo: NonNullable<StackSettings["forgejo"]>,
) =>
  configured(forgejoProvider(), {
    url: forgejo.url ?? devvm.repositories.forgejo,
    username: forgejo.username,
    password: requiredSecret(forgejoPassword, "forgejoPassword", "forgejo"),
    ...caOf(forgejo, PROJECT, "forgejo"),
  });
