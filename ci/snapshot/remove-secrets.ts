/** Makes a copy of an exported state that holds none of its secrets, for previews to start from. Pure. */

import { StepError } from "../environment.ts";
import { publicTexts, withMarkedSecrets } from "./mark-secrets.ts";
import { SecretTexts } from "./secret-texts.ts";
import { isObject, type Properties, readState, type Resource, SIGNATURE, type Value } from "./state-schema.ts";
import {
  kindOf,
  mapValues,
  plaintextOf,
  secretOf,
  WITHHELD,
  type Withholding,
  withheld,
  withoutSecretsBelow,
} from "./secret-placeholders.ts";

/**
 * Withholds the content of every secret and keeps its form, since a preview compares forms; and withholds every text in
 * which a secret stands in plain text. Operations that were pending and the record of a damaged state are left out.
 * @param exported text of `pulumi stack export --show-secrets`
 * @param salt of the place that it goes to, as its stack's file holds it
 * @param instead the program's credentials, and the ones of a preview in their place: so that a preview does not take
 * another credential for another server
 * @throws StepError for a form that is not known, a secret that is still encrypted, and a secret in a resource's name
 */
export function withoutSecrets(exported: string, instead: ReadonlyMap<string, string>, salt: string): string {
  const { version, features, deployment } = readState(exported);
  const { manifest, snippets, extensions } = deployment;
  const how: Withholding = {
    ...{ texts: new SecretTexts(deployment.resources.flatMap(publicTexts)), instead },
    ids: new Map(deployment.resources.map(({ urn, id }) => [urn, id])),
  };
  for (const credential of instead.keys()) how.texts.add(credential);
  for (const { resource } of deployment.pending_operations ?? []) withoutMarked(withMarkedSecrets(resource), how);
  const resources = deployment.resources.map((resource) => withoutMarked(withMarkedSecrets(resource), how));
  const rest = {
    ...{ manifest, resources: resources.map((resource, index) => withoutCopies(resource, index + 1, how)) },
    ...(snippets === undefined ? {} : { snippets }),
    ...(extensions === undefined ? {} : { extensions }),
  };
  mustNotHoldSecrets({ manifest, snippets, extensions }, how, "The state's list of plugins and packages");
  const own = { secrets_providers: { type: "passphrase", state: { salt } } };
  return JSON.stringify({ version, ...(features && { features }), deployment: { ...rest, ...own } });
}

/** The resource with the content of every marked secret withheld. */
function withoutMarked(resource: Resource, how: Withholding): Resource {
  const { urn, inputs, outputs, replacementTrigger } = resource;
  const properties = (value: Properties, name: string) =>
    mapValues(value, (item, key) => withoutSecretsBelow(item, how, `${urn}, ${name}, ${key}`));
  for (const value of [inputs, outputs]) if (value !== undefined) mustBePlain(value, urn);
  return {
    ...resource,
    ...(inputs && { inputs: properties(inputs, "inputs") }),
    ...(outputs && { outputs: properties(outputs, "outputs") }),
    ...(replacementTrigger !== undefined && {
      replacementTrigger: withoutSecretsBelow(replacementTrigger, how, `${urn}, replacementTrigger`),
    }),
  };
}

/** The properties of a resource are never one special value. */
function mustBePlain(properties: Properties, urn: string): void {
  if (!Object.hasOwn(properties, SIGNATURE)) return;
  throw new StepError(
    `${urn} has one special value in place of its properties in the exported state: nothing was published.`,
  );
}

/** The resource without texts that hold a secret: an error may repeat one, and so may an id. */
function withoutCopies(resource: Resource, number: number, how: Withholding): Resource {
  const { inputs, outputs, replacementTrigger, id, importID, initErrors, ...names } = resource;
  const isProvider = resource.type.startsWith("pulumi:providers:");
  // Other resources refer to a provider by its id.
  mustNotHoldSecrets(isProvider ? { ...names, id } : names, how, `Resource ${number}`);
  const text = (value: string) => (how.texts.isIn(value) ? WITHHELD : value);
  return {
    ...names,
    ...(id !== undefined && { id: isProvider ? id : text(id) }),
    ...(importID !== undefined && { importID: text(importID) }),
    ...(initErrors && { initErrors: initErrors.map(text) }),
    ...(inputs && { inputs: clean(inputs, how) as Properties }),
    ...(outputs && { outputs: clean(outputs, how) as Properties }),
    ...(replacementTrigger !== undefined && { replacementTrigger: clean(replacementTrigger, how) }),
  };
}

/** A plain value without texts that hold a secret. Secrets themselves are withheld by now. */
function clean(value: Value, how: Withholding): Value {
  if (typeof value === "string") return how.texts.isIn(value) ? WITHHELD : value;
  if (typeof value === "number") return how.texts.isIn(String(value)) ? 0 : value;
  if (Array.isArray(value)) return value.map((item: Value) => clean(item, how));
  if (!isObject(value)) return value;
  switch (kindOf(value, SCRUBBED)) {
    case "secret":
      return secretOf(withoutSecretKeys(plaintextOf(value, SCRUBBED), how));
    case "float":
      return value;
    case "asset":
    case "archive":
      return holdsSecret(value, how) ? withheld(value, { ...how, texts: new SecretTexts() }, SCRUBBED) : value;
    case "reference":
      mustNotHoldSecrets({ urn: value.urn, packageVersion: value.packageVersion }, how, "A reference to a resource");
      return mapValues(value, (item) => clean(item, how));
    case undefined:
      return withKeys(value, how, (item) => clean(item, how));
  }
}

const SCRUBBED = "The scrubbed state";

/** What a secret holds, whose texts are withheld by now, without keys that are a secret elsewhere. */
function withoutSecretKeys(value: Value, how: Withholding): Value {
  if (Array.isArray(value)) return value.map((item: Value) => withoutSecretKeys(item, how));
  if (!isObject(value)) return value;
  if (kindOf(value, SCRUBBED) === "secret") return secretOf(withoutSecretKeys(plaintextOf(value, SCRUBBED), how));
  return withKeys(value, how, (item) => withoutSecretKeys(item, how));
}

const withKeys = (value: Properties, { texts }: Withholding, change: (item: Value) => Value): Properties =>
  Object.fromEntries(
    Object.entries(value).map(([key, item], index) => [
      texts.isIn(key) ? `${WITHHELD}-${index + 1}` : key,
      change(item),
    ]),
  );

/** @throws StepError where a secret stands in a text that cannot be withheld, since others refer to it */
function mustNotHoldSecrets(names: unknown, how: Withholding, where: string): void {
  if (!holdsSecret(names, how)) return;
  throw new StepError(
    `${where} (in the order of \`pulumi stack export\`) has a secret of the state in its name or in the name of ` +
      "something that it refers to: nothing was published. Names are shown everywhere: choose another name, or do not " +
      "mark that text as a secret.",
  );
}

function holdsSecret(value: unknown, { texts }: Withholding): boolean {
  if (typeof value === "string" || typeof value === "number") return texts.isIn(String(value));
  if (typeof value !== "object" || value === null) return false;
  return Object.entries(value).some(([key, item]) => texts.isIn(key) || holdsSecret(item, { texts } as Withholding));
}
