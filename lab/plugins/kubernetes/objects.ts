/** Reads and changes Kubernetes objects as the emulated plugin holds them: plain JSON with a kind and a name. */
import { isMap } from "../../../providers/runtime/property-values.ts";
import type { PropertyMap, PropertyValue } from "../../../providers/runtime/property-values.ts";

/** Group, version and kind of an object; the core group is the empty string. */
export interface Gvk {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/** `v1` or `apps/v1` and a kind, split. */
export function gvkOf(apiVersion: string, kind: string): Gvk {
  const [first = "", second] = apiVersion.split("/");
  return second === undefined ? { group: "", version: first, kind } : { group: first, version: second, kind };
}

/** `v1` or `apps/v1`. */
export const apiVersionOf = ({ group, version }: Gvk): string => (group === "" ? version : `${group}/${version}`);

/** `kubernetes:apps/v1:Deployment`, `kubernetes:core/v1:Secret`. */
export function gvkOfToken(type: string): Gvk {
  const [, apiVersion = "", kind = ""] = type.split(":");
  return gvkOf(apiVersion.replace(/^core\//, ""), kind);
}

/** What follows the names from the top, or undefined where the way ends. */
export function at(object: PropertyValue | undefined, ...names: readonly string[]): PropertyValue | undefined {
  return names.reduce<PropertyValue | undefined>((part, name) => (isMap(part) ? part[name] : undefined), object);
}

/** {@link at}, if it is a string; empty otherwise. */
export function textAt(object: PropertyValue | undefined, ...names: readonly string[]): string {
  const value = at(object, ...names);
  return typeof value === "string" ? value : "";
}

/** {@link at}, if it is a number; 0 otherwise, which is what the API leaves out. */
export function numberAt(object: PropertyValue | undefined, ...names: readonly string[]): number {
  const value = at(object, ...names);
  return typeof value === "number" ? value : 0;
}

/** {@link at}, if it is a list of maps; empty otherwise. */
export function listAt(object: PropertyValue | undefined, ...names: readonly string[]): readonly PropertyMap[] {
  const value = at(object, ...names);
  return Array.isArray(value) ? value.filter(isMap) : [];
}

/** A copy with the value put at the names; maps on the way are made, undefined removes. */
export function put(object: PropertyMap, names: readonly string[], value: PropertyValue | undefined): PropertyMap {
  const [name, ...rest] = names;
  if (name === undefined) return object;
  const { [name]: old, ...others } = object;
  if (rest.length === 0) return value === undefined ? others : { ...object, [name]: value };
  if (value === undefined && !isMap(old)) return object;
  return { ...object, [name]: put(isMap(old) ? old : {}, rest, value) };
}

/** The value of one of Pulumi's own annotations, by its last part: `skipAwait`. */
export const annotation = (object: PropertyMap, name: string): string =>
  textAt(object, "metadata", "annotations", `pulumi.com/${name}`);

/** The id in the state: `namespace/name`, or the name alone. */
export function idOf(object: PropertyMap): string {
  const [namespace, name] = [textAt(object, "metadata", "namespace"), textAt(object, "metadata", "name")];
  return namespace === "" ? name : `${namespace}/${name}`;
}

/** The parts of {@link idOf}. */
export function partsOf(id: string): { readonly namespace: string; readonly name: string } {
  const [first = "", second] = id.split("/");
  return second === undefined ? { namespace: "", name: first } : { namespace: first, name: second };
}

/** The object as a person names it: `Deployment shop/web`. */
export const objectName = (gvk: Gvk, object: PropertyMap): string => `${gvk.kind} ${idOf(object)}`;
