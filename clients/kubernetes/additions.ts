/**
 * Finds what somebody added to parts of an object that its program declares as a whole: a subject of a binding, a rule of a
 * role, a label of a selector. The Kubernetes plugin compares lists by index and no further than the former inputs go, and
 * maps by their declared keys alone, so it sees none of these.
 */

import { z } from "zod";
import { parseJson } from "../parse-json.ts";
import { type FieldSet, fieldSet, isAbsorbed } from "./field-ownership.ts";

/**
 * Annotation of an object from which a deployment reverts additions: the `resourceVersion` in which they were found, and so
 * another value each time.
 */
export const REVERTED_FROM = "workstation/reverted-from";

/** The fields of one owner below a part, undefined where it owns none there. */
interface Owner {
  readonly isAbsorbed: boolean;
  readonly fields: FieldSet | undefined;
}

const owned = z.looseObject({
  metadata: z.looseObject({
    managedFields: z
      .array(
        z.looseObject({
          manager: z.string().default(""),
          operation: z.string().default(""),
          fieldsV1: fieldSet.default({}),
        }),
      )
      .default([]),
  }),
});

/**
 * In lists with keys an item of another program stays that program's, as it stays in every server-side apply; one that
 * `kubectl` added counts, since the plugin's next update removes it.
 * @param declared inputs of the object's resource, the former ones where it has any; parts that are not plain values are not
 * compared
 * @param live the object as the API server has it
 * @returns the parts with more in them than is declared, such as `subjects` and `spec.podSelector`
 */
export function additions(declared: unknown, live: unknown): readonly string[] {
  const parsed = owned.safeParse(live);
  if (!parsed.success) return [];
  const owners = parsed.data.metadata.managedFields.map((one): Owner => {
    return { isAbsorbed: isAbsorbed(one), fields: one.fieldsV1 };
  });
  return inPart(declared, parsed.data, { owners, path: "", isAtomic: false });
}

/**
 * What an object was made with, and what it is declared with where it was made without: a part that is declared empty is in
 * no former input. A part that is declared no more is no addition.
 */
export function formerParts(former: unknown, declared: unknown): unknown {
  if (!isPlain(former) || !isPlain(declared)) return former ?? declared;
  const keys = new Set([...Object.keys(former), ...Object.keys(declared)]);
  return Object.fromEntries([...keys].map((key) => [key, formerParts(former[key], declared[key])]));
}

interface Place {
  readonly owners: readonly Owner[];
  readonly path: string;
  /** Below a list without keys: whatever is in it belongs to one owner. */
  readonly isAtomic: boolean;
}

function inPart(declared: unknown, live: unknown, place: Place): readonly string[] {
  if (Array.isArray(declared)) return Array.isArray(live) ? inList(declared, live, place) : [];
  if (!isPlain(declared) || !isPlain(live)) return [];
  return Object.entries(declared).flatMap(([key, part]) => {
    const path = place.path === "" ? key : `${place.path}.${key}`;
    if (/selector$/i.test(key)) return hasMore(part, live[key]) ? [path] : [];
    const owners = place.owners.map((one) => ({ ...one, fields: one.fields?.[`f:${key}`] }));
    return inPart(part, live[key], { ...place, owners, path });
  });
}

function inList(declared: readonly unknown[], live: readonly unknown[], place: Place): readonly string[] {
  const keyOf = place.isAtomic ? undefined : KEYS.get(place.path.split(".").at(-1) ?? "");
  if (keyOf === undefined) {
    const below = declared.flatMap((part, i) =>
      inPart(part, live[i], { owners: [], path: `${place.path}[${i}]`, isAtomic: true }),
    );
    return live.length > declared.length ? [place.path, ...below] : below;
  }
  const wanted = new Map(declared.map((part) => [keyOf(part), part]));
  return live.flatMap((item) => {
    const key = keyOf(item);
    const path = `${place.path}[${key}]`;
    const owners = place.owners.map((one) => ({ ...one, fields: fieldsOfItem(one.fields, item) }));
    if (wanted.has(key)) return inPart(wanted.get(key), item, { ...place, owners, path });
    const holders = owners.filter(({ fields }) => fields !== undefined);
    return holders.length > 0 && holders.every((one) => one.isAbsorbed) ? [path] : [];
  });
}

const named = (item: unknown) => String((item as { readonly name?: unknown }).name);
const port = (item: unknown) => {
  const { port: number, containerPort, protocol = "TCP" } = item as Readonly<Record<string, unknown>>;
  return `${String(number ?? containerPort)}/${String(protocol)}`;
};

const spread = (item: unknown) => {
  const { topologyKey, whenUnsatisfiable } = item as Readonly<Record<string, unknown>>;
  return `${String(topologyKey)}/${String(whenUnsatisfiable)}`;
};

/**
 * The lists whose items the API server keeps apart by a key, by name; every other list has one owner.
 * Source: the list types in the API's definitions (`x-kubernetes-list-type`).
 */
const KEYS: ReadonlyMap<string, (item: unknown) => string> = new Map([
  ...["containers", "initContainers", "env", "volumes", "matchConditions", "groups"].map(
    (list) => [list, named] as const,
  ),
  ["volumeMounts", (item) => String((item as { readonly mountPath?: unknown }).mountPath)],
  ["ports", port],
  ["topologySpreadConstraints", spread],
  ["validationActions", String],
]);

/** What an owner has of an item: `k:{"name":"web"}` or `v:"Deny"` in its fields. */
function fieldsOfItem(fields: FieldSet | undefined, item: unknown): FieldSet | undefined {
  const found = Object.entries(fields ?? {}).find(([step]) => {
    const key: unknown = /^[kv]:/.test(step) ? parseJson(step.slice(2)) : undefined;
    if (!isPlain(key)) return key !== undefined && key === item;
    return isPlain(item) && Object.entries(key).every(([name, value]) => item[name] === value);
  });
  return found?.[1];
}

/** A selector with more in it selects less: the API server adds nothing to one. */
function hasMore(declared: unknown, live: unknown): boolean {
  if (Array.isArray(live)) {
    const wanted = Array.isArray(declared) ? (declared as readonly unknown[]) : [];
    return live.length > wanted.length || live.some((item, i) => hasMore(wanted[i], item));
  }
  if (!isPlain(live)) return false;
  if (declared !== undefined && !isPlain(declared)) return false;
  return Object.entries(live).some(([key, part]) =>
    isPlain(part) || Array.isArray(part) ? hasMore(declared?.[key], part) : declared?.[key] === undefined,
  );
}

const isPlain = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
