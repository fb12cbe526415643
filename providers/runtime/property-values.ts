/**
 * Defines the values that travel between the engine and a provider: plain data, plus secrets, unknown values and files.
 */

/** A value that must never be shown or stored in the clear; the engine encrypts it in the state. */
export class Secret {
  readonly value: PropertyValue;
  constructor(value: PropertyValue) {
    this.value = value;
  }
}

/** A value that only a later step of the same update brings. Occurs in previews only. */
export class Unknown {
  /** Hides the identity of the class from structural typing: `{}` is no Unknown. */
  readonly kind = "unknown";
}

/** The one value that is not known yet. */
export const UNKNOWN = new Unknown();

/** A file or text (`asset`), or a folder or packed folder (`archive`), as the engine describes it. */
export class FileValue {
  readonly kind: "asset" | "archive";
  /** The engine's own fields: `text`, `path` or `uri`, and `hash` (SHA-256, hexadecimal). */
  readonly fields: PropertyMap;
  constructor(kind: "asset" | "archive", fields: PropertyMap) {
    this.kind = kind;
    this.fields = fields;
  }
}

/** What a property can hold on this side of the wire. */
export type PropertyValue =
  | null
  | boolean
  | number
  | string
  | Secret
  | Unknown
  | FileValue
  | readonly PropertyValue[]
  | PropertyMap;

/** The properties of a resource by name. */
export interface PropertyMap {
  readonly [name: string]: PropertyValue;
}

/** Whether the value is a list. (`Array.isArray` loses `readonly`.) */
export const isList = (value: PropertyValue | undefined): value is readonly PropertyValue[] => Array.isArray(value);

/** Whether the value is a map of properties, and none of the special values. */
export const isMap = (value: PropertyValue | undefined): value is PropertyMap =>
  typeof value === "object" &&
  value !== null &&
  !isList(value) &&
  !(value instanceof Secret) &&
  !(value instanceof Unknown) &&
  !(value instanceof FileValue);

/** Whether the value, or anything within it, is not yet known. */
export function hasUnknown(value: PropertyValue | undefined): boolean {
  return some(value, (part) => part instanceof Unknown);
}

/** Whether the value, or anything within it, is secret. */
export function hasSecret(value: PropertyValue | undefined): boolean {
  return some(value, (part) => part instanceof Secret);
}

/** The same value with every secret laid open: for the provider's own work, never for an answer to the engine. */
export function reveal(value: PropertyValue): PropertyValue {
  if (value instanceof Secret) return reveal(value.value);
  if (isList(value)) return value.map(reveal);
  return isMap(value) ? revealMap(value) : value;
}

/** {@link reveal} for a whole map. */
export function revealMap(map: PropertyMap): PropertyMap {
  return mapValues(map, reveal);
}

/** A new map with each value replaced by what `change` makes of it. */
export function mapValues(
  map: PropertyMap,
  change: (value: PropertyValue, name: string) => PropertyValue,
): PropertyMap {
  return Object.fromEntries(Object.entries(map).map(([name, value]) => [name, change(value, name)]));
}

/** Marks as secret whatever was secret at the same place in `model`: what came in secret goes out secret. */
export function secretAs(value: PropertyValue, model: PropertyValue | undefined): PropertyValue {
  if (value instanceof Secret) return value;
  if (model instanceof Secret) return new Secret(value);
  if (isMap(value) && isMap(model)) return mapValues(value, (part, name) => secretAs(part, model[name]));
  // Lists are compared as a whole: after an insertion the same index is another element.
  if (isList(value) && hasSecret(model)) return new Secret(value);
  return value;
}

/** Whether two values mean the same. Secrecy does not count; an unknown equals nothing, itself included. */
export function same(a: PropertyValue | undefined, b: PropertyValue | undefined): boolean {
  if (a instanceof Secret) return same(a.value, b);
  if (b instanceof Secret) return same(a, b.value);
  if (a instanceof Unknown || b instanceof Unknown) return false;
  if (a instanceof FileValue) return b instanceof FileValue && a.kind === b.kind && sameFile(a, b);
  if (isList(a)) return isList(b) && a.length === b.length && a.every((part, i) => same(part, b[i]));
  if (isMap(a)) return isMap(b) && [...new Set([...Object.keys(a), ...Object.keys(b)])].every((k) => same(a[k], b[k]));
  return (a ?? null) === (b ?? null);
}

function sameFile(a: FileValue, b: FileValue): boolean {
  const hash = a.fields.hash;
  return typeof hash === "string" && hash !== "" ? hash === b.fields.hash : same(a.fields, b.fields);
}

function some(value: PropertyValue | undefined, is: (part: PropertyValue) => boolean): boolean {
  if (value === undefined) return false;
  if (is(value)) return true;
  if (value instanceof Secret) return some(value.value, is);
  if (isList(value)) return value.some((part) => some(part, is));
  return isMap(value) && Object.values(value).some((part) => some(part, is));
}
