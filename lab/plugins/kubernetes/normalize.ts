/**
 * Brings inputs and live objects to a form in which they can be compared: additions of the server are no difference.
 */
import type { Path } from "../../../providers/runtime/differences.ts";
import { isList, isMap, mapValues, same, Secret } from "../../../providers/runtime/property-values.ts";
import type { PropertyMap, PropertyValue } from "../../../providers/runtime/property-values.ts";
import { put } from "./objects.ts";

/** Without nulls; a Secret's `stringData` folded into `data`, which is all that the server gives back. */
export function normal(object: PropertyMap): PropertyMap {
  const clean = withoutNulls(object);
  if (clean.kind !== "Secret") return clean;
  const { stringData, ...rest } = clean;
  const texts = open(stringData);
  if (!isMap(texts)) return rest;
  const data = open(rest.data);
  const encoded = mapValues(texts, (text) => {
    const plain = open(text);
    return typeof plain === "string" ? Buffer.from(plain).toString("base64") : (text ?? null);
  });
  return { ...rest, data: { ...(isMap(data) ? data : {}), ...encoded } };
}

/** What of the live object the inputs speak about. Lists are followed by index, as far as the inputs go. */
export function pruned(live: PropertyValue | undefined, inputs: PropertyValue | undefined): PropertyValue | undefined {
  const [here, wanted] = [open(live), open(inputs)];
  if (isMap(here) && isMap(wanted)) {
    const kept = Object.keys(wanted).flatMap((name) => {
      const value = pruned(here[name], wanted[name]);
      return value === undefined ? [] : [[name, value] as const];
    });
    return Object.fromEntries(kept);
  }
  if (isList(here) && isList(wanted))
    return here.slice(0, wanted.length).map((part, i) => pruned(part, wanted[i]) ?? null);
  return here;
}

/** {@link same}, but "nothing", `{}` and `[]` are equal, and so are two spellings of one quantity. */
export function equal(a: PropertyValue | undefined, b: PropertyValue | undefined, path: Path): boolean {
  const [left, right] = [open(a), open(b)];
  if (isEmpty(left) && isEmpty(right)) return true;
  if (path.some((step) => QUANTITIES.has(String(step)))) {
    const [x, y] = [quantity(left), quantity(right)];
    if (x !== undefined && y !== undefined) return x === y;
  }
  return same(left, right);
}

/** A live object as inputs, for an import: without what only the server writes. */
export function asInputs(live: PropertyMap): PropertyMap {
  const { status: _status, ...rest } = live;
  return SERVER_FIELDS.reduce((object, names) => put(object, names, undefined), rest);
}

function withoutNulls(map: PropertyMap): PropertyMap {
  const clean = (value: PropertyValue): PropertyValue => {
    if (isMap(value)) return withoutNulls(value);
    return isList(value) ? value.map(clean) : value;
  };
  return Object.fromEntries(
    Object.entries(map)
      .filter(([, value]) => value !== null)
      .map(([name, value]) => [name, clean(value)]),
  );
}

const open = (value: PropertyValue | undefined): PropertyValue | undefined =>
  value instanceof Secret ? open(value.value) : value;

function isEmpty(value: PropertyValue | undefined): boolean {
  if (value === undefined || value === null) return true;
  return isList(value) ? value.length === 0 : isMap(value) && Object.keys(value).length === 0;
}

/** The number behind `500m`, `0.5`, `1Gi`; undefined for anything else. */
function quantity(value: PropertyValue | undefined): number | undefined {
  if (typeof value !== "string" && typeof value !== "number") return undefined;
  const [, number, unit = ""] = /^([+-]?[0-9.]+(?:[eE][+-]?\d+)?)([A-Za-z]*)$/.exec(String(value)) ?? [];
  const factor = UNITS[unit];
  return number === undefined || factor === undefined ? undefined : Number(number) * factor;
}

const UNITS: Readonly<Record<string, number>> = {
  ...{ "": 1, n: 1e-9, u: 1e-6, m: 1e-3, k: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15, E: 1e18 },
  ...{ Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40, Pi: 2 ** 50, Ei: 2 ** 60 },
};

/** Fields below which the API reads numbers as quantities. */
const QUANTITIES: ReadonlySet<string> = new Set(
  "requests limits hard capacity default defaultRequest max min maxLimitRequestRatio sizeLimit".split(" "),
);

const SERVER_FIELDS: readonly (readonly string[])[] = [
  ["metadata", "creationTimestamp"],
  ["metadata", "generation"],
  ["metadata", "managedFields"],
  ["metadata", "resourceVersion"],
  ["metadata", "uid"],
  ["metadata", "annotations", "deployment.kubernetes.io/revision"],
  ["metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration"],
];
