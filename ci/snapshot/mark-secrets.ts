/** Marks the values of a resource that are secret although they stand in plain text, and lists texts that are public although they stand in a secret. Pure. */

import { isObject, KIND, type Properties, type Resource, SIGNATURE, type Value } from "./state-schema.ts";
import { plaintextOf, secretOf } from "./secret-placeholders.ts";

type Path = readonly (string | number)[];

/**
 * Providers repeat inputs among the outputs and lose the mark of a secret on the way (pulumi-kubernetes issue 734), and
 * an output may have been declared secret after it was stored.
 */
export function withMarkedSecrets(resource: Resource): Resource {
  const { inputs = {}, outputs = {}, additionalSecretOutputs } = resource;
  const repeated = isObject(outputs[REPEATED_INPUTS]) ? outputs[REPEATED_INPUTS] : {};
  const ofType = KUBERNETES_SECRET.test(resource.type) ? SECRET_FIELDS : [];
  const paths: readonly Path[] = [
    ...[inputs, repeated].flatMap((properties) => secretPaths(properties, [])),
    ...(additionalSecretOutputs ?? []).map((name) => [name]),
    ...ofType,
  ];
  const marked = (properties: Properties, at: readonly Path[]): Properties =>
    at.reduce<Value>((value, path) => markedAt(value, path), properties) as Properties;
  const markedOutputs = marked(outputs, paths);
  const again = markedOutputs[REPEATED_INPUTS];
  return {
    ...resource,
    ...(resource.inputs === undefined ? {} : { inputs: marked(inputs, ofType) }),
    ...(resource.outputs === undefined
      ? {}
      : { outputs: isObject(again) ? { ...markedOutputs, [REPEATED_INPUTS]: marked(again, paths) } : markedOutputs }),
  };
}

/**
 * The command plugin's SDK makes a whole connection secret for the sake of its key. Where it leads is in the settings, and
 * triggers and names hold it in plain text.
 */
export function publicTexts({ type, inputs }: Resource): readonly string[] {
  const connection = inputs?.connection;
  if (!type.startsWith("command:remote:") || connection === undefined || !isObject(connection)) return [];
  const held = isSecret(connection) ? plaintextOf(connection, type) : connection;
  const ways = isObject(held) ? [held, held.proxy ?? null] : [];
  return ways.flatMap((way) =>
    isObject(way) ? [way.host, way.user, way.hostKey].filter((text) => typeof text === "string") : [],
  );
}

/** Where the official Kubernetes plugin keeps the inputs a second time. */
const REPEATED_INPUTS = "__inputs";

const KUBERNETES_SECRET = /^kubernetes:core\/v1:Secret(?:Patch)?$/;
const SECRET_FIELDS: readonly Path[] = [
  ["data"],
  ["stringData"],
  ["metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration"],
];

function secretPaths(value: Value, path: Path): readonly Path[] {
  if (isSecret(value)) return [path];
  if (Array.isArray(value)) return value.flatMap((item: Value, index) => secretPaths(item, [...path, index]));
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([key, item]) => secretPaths(item, [...path, key]));
}

const isSecret = (value: Value): boolean => isObject(value) && value[SIGNATURE] === KIND.secret;

/** The same value with a secret at the path, where there is something. */
function markedAt(value: Value, [step, ...below]: Path): Value {
  if (isSecret(value)) return value;
  if (step === undefined) return value === null ? value : secretOf(value);
  if (Array.isArray(value)) return value.map((item: Value, index) => (index === step ? markedAt(item, below) : item));
  if (!isObject(value) || typeof step !== "string" || !Object.hasOwn(value, step)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, key === step ? markedAt(item, below) : item]),
  );
}
