/**
 * Builds the state that the emulated plugin keeps of an object: the live object, its field manager, and every secret
 * value marked as such.
 */
import { randomBytes } from "node:crypto";
import { mapValues, Secret, secretAs } from "../../../providers/runtime/property-values.ts";
import type { PropertyMap } from "../../../providers/runtime/property-values.ts";
import { put, textAt } from "./objects.ts";

/** The state of a live object, and the inputs once more. What came in secret in `model` stays secret. */
export function stateOf(
  live: PropertyMap,
  model: PropertyMap,
  fieldManager: string,
  inputs: PropertyMap = model,
): PropertyMap {
  // Who last wrote which field is long, of no use to a program, and repeats no value.
  const bare = put(live, ["metadata", "managedFields"], undefined);
  const safe = live.kind === "Secret" ? put(bare, LAST_APPLIED, undefined) : bare;
  const marked = markSecrets(mapValues(safe, (value, name) => secretAs(value, model[name])));
  const own = { __fieldManager: fieldManager, __initialApiVersion: textAt(live, "apiVersion") };
  return { ...marked, ...own, __inputs: markSecrets(inputs) };
}

/** The live object within a state. */
export function liveOf(state: PropertyMap): PropertyMap {
  const { __fieldManager: _manager, __initialApiVersion: _version, __inputs: _inputs, ...live } = state;
  return live;
}

/** A Secret's data is secret wherever it came from. */
export function markSecrets(object: PropertyMap): PropertyMap {
  if (object.kind !== "Secret") return object;
  return mapValues(object, (value, name) =>
    (name === "data" || name === "stringData") && !(value instanceof Secret) ? new Secret(value) : value,
  );
}

/** The name under which this resource's fields are owned: one a resource, so that two never share a field unnoticed. */
export const fieldManagerOf = (state: PropertyMap): string =>
  textAt(state, "__fieldManager") || `pulumi-kubernetes-${randomBytes(4).toString("hex")}`;

const LAST_APPLIED = ["metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration"];
