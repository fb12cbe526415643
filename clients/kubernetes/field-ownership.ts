/**
 * Works out who owns which field of a Kubernetes object (server-side apply), and how the fields that a program declares
 * go from their owners to the program while every other field stays with its owner.
 */

import { z } from "zod";
import { ClientError } from "../client-error.ts";
import { isWithheld } from "../withheld-value.ts";

/** A set of fields in the API's own form (`FieldsV1`): `f:name`, `k:{"key":"value"}`, `v:"value"` and `i:0` lead to parts. */
export interface FieldSet {
  readonly [step: string]: FieldSet;
}

/** Parses a set of fields. */
export const fieldSet: z.ZodType<FieldSet> = z.lazy(() => z.record(z.string(), fieldSet));

const entry = z.looseObject({
  manager: z.string().default(""),
  operation: z.string().default(""),
  apiVersion: z.string().default(""),
  subresource: z.string().optional(),
  fieldsV1: fieldSet.default({}),
});

const owned = z.looseObject({
  apiVersion: z.string().default(""),
  metadata: z.looseObject({
    labels: z.record(z.string(), z.string()).default({}),
    annotations: z.record(z.string(), z.string()).default({}),
    managedFields: z.array(entry).default([]),
  }),
});

/** An entry of an object's `metadata.managedFields`. */
export type FieldOwner = z.output<typeof entry>;

/** Fields of one owner, as paths such as `metadata.labels.team`. */
export interface OwnedFields {
  readonly owner: string;
  readonly fields: readonly string[];
}

/** What a program takes from others when it takes an object over. */
export interface Takeover {
  /** False for an object that was made before the API server recorded owners, or from which a tool removed the record. */
  readonly recordsOwners: boolean;
  /** Declared fields that others own today. */
  readonly taken: readonly OwnedFields[];
  /** Labels, annotations and items of lists (a container, a variable, a volume) of others, which stay theirs. */
  readonly kept: readonly OwnedFields[];
  /** The object's `managedFields` afterwards; undefined where they stay as they are. */
  readonly managedFields?: readonly object[];
}

/** The name under which the official Kubernetes plugin creates objects; its updates make these fields their own. */
export const CREATING_MANAGER = "pulumi-kubernetes";

/** Managers by their names' beginnings whose fields every update of that plugin makes its own, and so removes where undeclared. */
const ABSORBED = [
  ["kubectl", "Apply"],
  ["kubectl", "Update"],
  ["before-first-apply", "Update"],
  ["pulumi-kubernetes", "Update"],
  ["pulumi-resource-kubernetes", "Update"],
] as const;

/** The longest name of a manager that the API server takes. */
const LONGEST_NAME = 128;

/**
 * Where no owner is recorded, the API server would give every field to one owner at the first apply, the Kubernetes plugin
 * would make that owner's fields its own, and remove those that the program does not declare. So an owner of the other
 * labels and annotations is recorded first. What nobody owns, nobody removes.
 * @param live the object as the API server has it
 * @param declared what the program wants of it; what is not known yet counts as declared
 * @throws ClientError for an object whose owners cannot be read
 */
export function takeover(live: unknown, declared: object, now: Date): Takeover {
  const parsed = owned.safeParse(live);
  if (!parsed.success) throw new ClientError("the API server's answer records the owners of fields in an unknown form");
  const { apiVersion, metadata } = parsed.data;
  const recordsOwners = metadata.managedFields.length > 0;
  const owners = recordsOwners ? metadata.managedFields : [unrecordedOwner(parsed.data, declared)];
  const taken: OwnedFields[] = [];
  const kept: OwnedFields[] = [];
  const after: FieldOwner[] = [];
  let fields: FieldSet = {};
  let isChanged = !recordsOwners;
  for (const one of owners) {
    const { subresource = "" } = one;
    if (!TAKEN_SUBRESOURCES.has(subresource)) {
      after.push(one);
      continue;
    }
    const parts = split(one.fieldsV1, declared);
    const manager = subresource === "" && isAbsorbed(one) ? formerName(one.manager) : one.manager;
    isChanged ||= !isEmpty(parts.taken) || (manager !== one.manager && !isEmpty(parts.kept));
    fields = merged(fields, parts.taken);
    const owner = subresource === "" ? one.manager : `${one.manager} (subresource ${subresource})`;
    if (recordsOwners) taken.push({ owner, fields: pathsOf(parts.taken) });
    kept.push({ owner, fields: keptParts(parts.kept, declared) });
    if (!isEmpty(parts.kept)) join(after, { ...one, manager, fieldsV1: parts.kept });
  }
  const found = { recordsOwners, taken: taken.filter(hasFields), kept: kept.filter(hasFields) };
  if (!isChanged) return found;
  const time = `${now.toISOString().slice(0, 19)}Z`;
  const version = metadata.managedFields[0]?.apiVersion ?? apiVersion;
  const ours = { manager: CREATING_MANAGER, operation: "Update", apiVersion: version, time, fieldsType: "FieldsV1" };
  return { ...found, managedFields: isEmpty(fields) ? after : [...after, { ...ours, fieldsV1: fields }] };
}

/** @returns a sentence for each owner: what is taken from them, and what stays theirs */
export function takeoverSentences(object: string, { recordsOwners, taken, kept }: Takeover): readonly string[] {
  const by = (owner: string) => (recordsOwners ? `kept as ${owner} set it` : "kept");
  return [
    ...(recordsOwners ? [] : [`${object}: records no owners, so the declared fields become the program's`]),
    ...taken.map(({ owner, fields }) => `${object}: ${fields.join(", ")}: taken over from ${owner}`),
    ...kept.map(({ owner, fields }) => `${object}: ${fields.join(", ")}: ${by(owner)}`),
  ];
}

/** The owner that an object without a record gets: of what is declared, and of the labels and annotations that are not. */
function unrecordedOwner({ apiVersion, metadata }: z.output<typeof owned>, declared: object): FieldOwner {
  const { labels, annotations } = metadata;
  const found = fieldsOf({ metadata: { labels, annotations } });
  const own = fieldsOf(Object.fromEntries(Object.entries(declared).filter(([name]) => !IDENTITY.has(name))));
  const { metadata: wanted = {} } = declared as { readonly metadata?: Readonly<Record<string, unknown>> };
  const marks = fieldsOf({ metadata: { labels: wanted.labels, annotations: wanted.annotations } });
  const fieldsV1 = [found, own, marks].reduce(merged);
  return { manager: UNRECORDED, operation: "Update", apiVersion, fieldsType: "FieldsV1", fieldsV1 };
}

const UNRECORDED = "before-workstation";

/** The API server tracks no owner of the first two, and of the third only what is no name. */
const IDENTITY: ReadonlySet<string> = new Set(["apiVersion", "kind", "metadata"]);

/** Every field of an object down to its lists, which the API server tracks as their types say. */
function fieldsOf(value: Readonly<Record<string, unknown>>): FieldSet {
  const present = Object.entries(value).filter(([, part]) => part !== undefined);
  return Object.fromEntries(
    present.flatMap(([name, part]) => {
      if (!isMap(part) || isWithheld(part)) return [[`f:${name}`, {}]];
      const below = fieldsOf(part);
      return isEmpty(below) ? [] : [[`f:${name}`, below]];
    }),
  );
}

/** The object itself, and `scale`, by which replicas are set. What other subresources hold is a controller's. */
const TAKEN_SUBRESOURCES: ReadonlySet<string> = new Set(["", "scale"]);

/** Labels and annotations without those that the API server and `kubectl apply` write by themselves. */
const HAND_MADE =
  /^metadata\.(labels|annotations)\.(?!kubernetes\.io\/metadata\.name$|kubectl\.kubernetes\.io\/last-applied)/;

/** What a person recognises as somebody's among kept fields: a list's item by its key, not by each of its fields. */
function keptParts(set: FieldSet, value: unknown, before = ""): readonly string[] {
  return Object.entries(set).flatMap(([step, below]) => {
    const path = pathTo(before, step);
    if (step === SELF || path === "status") return [];
    const part = partAt(value, step);
    const isItem = step.startsWith("k:") && part === undefined;
    return isItem || HAND_MADE.test(path) ? [path] : keptParts(below, part, path);
  });
}

const hasFields = ({ fields }: OwnedFields) => fields.length > 0;

/** Whether the official Kubernetes plugin's update makes this owner's fields its own. */
export const isAbsorbed = ({ manager, operation }: Pick<FieldOwner, "manager" | "operation">): boolean =>
  ABSORBED.some(([name, how]) => manager.startsWith(name) && operation === how);

/** A name that the plugin leaves alone, in which a person recognises the former owner. */
const formerName = (manager: string): string => `before-workstation-${manager}`.slice(0, LONGEST_NAME);

/** Two entries of one manager would be one to the API server, with the fields of the second alone. */
function join(entries: FieldOwner[], added: FieldOwner): void {
  const index = entries.findIndex(
    ({ manager, operation, apiVersion, subresource }) =>
      manager === added.manager &&
      operation === added.operation &&
      (operation === "Apply" || apiVersion === added.apiVersion) &&
      subresource === added.subresource,
  );
  const there = entries[index];
  if (there === undefined) entries.push(added);
  else entries[index] = { ...there, fieldsV1: merged(there.fieldsV1, added.fieldsV1) };
}

/** The union of two sets of fields. */
export function merged(a: FieldSet, b: FieldSet): FieldSet {
  const steps = new Set([...Object.keys(a), ...Object.keys(b)]);
  return Object.fromEntries([...steps].map((step) => [step, merged(a[step] ?? {}, b[step] ?? {})]));
}

/** Itself, as a member of its own set. */
const SELF = ".";

const isEmpty = (set: FieldSet): boolean => Object.keys(set).length === 0;

/** The fields of an owner that are declared, and the others. */
function split(set: FieldSet, value: unknown): { readonly taken: FieldSet; readonly kept: FieldSet } {
  const taken: Record<string, FieldSet> = {};
  const kept: Record<string, FieldSet> = {};
  for (const [step, below] of Object.entries(set)) {
    if (step === SELF) continue;
    const part = partAt(value, step);
    if (part === undefined) {
      kept[step] = below;
      continue;
    }
    if (isEmpty(below) || isWithheld(part)) {
      taken[step] = below;
      continue;
    }
    const parts = split(below, part);
    if (!isEmpty(parts.taken)) taken[step] = parts.taken;
    if (!isEmpty(parts.kept)) kept[step] = parts.kept;
  }
  // Whoever owns a part owns the map or the list around it too.
  const around = SELF in set ? { [SELF]: {} } : {};
  const withSelf = (part: FieldSet) => (isEmpty(part) ? part : { ...around, ...part });
  if (isEmpty(taken) && isEmpty(kept) && SELF in set) return { taken: around, kept: {} };
  return { taken: withSelf(taken), kept: withSelf(kept) };
}

/** The declared part to which a step leads; undefined where nothing is declared there. An unknown item may be any item. */
function partAt(value: unknown, step: string): unknown {
  if (isWithheld(value)) return value;
  const rest = step.slice(2);
  if (step.startsWith("f:")) return isMap(value) && Object.hasOwn(value, rest) ? value[rest] : undefined;
  if (!Array.isArray(value)) return undefined;
  if (step.startsWith("i:")) return value[Number(rest)];
  const key: unknown = JSON.parse(rest);
  if (step.startsWith("v:")) return value.find((item) => item === key) ?? value.find(isWithheld);
  return value.find((item) => isMap(item) && isMap(key) && hasKeys(item, key)) ?? value.find(isWithheld);
}

/** The API server fills in a part of the key that is not declared, such as a port's protocol. */
function hasKeys(item: Readonly<Record<string, unknown>>, key: Readonly<Record<string, unknown>>): boolean {
  const declared = Object.entries(key).filter(([name]) => item[name] !== undefined);
  return declared.length > 0 && declared.every(([name, value]) => item[name] === value);
}

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Every field of a set as a path: a list's item by its key or its value. */
function pathsOf(set: FieldSet, before = ""): readonly string[] {
  return Object.entries(set).flatMap(([step, below]) => {
    if (step === SELF) return [];
    const path = pathTo(before, step);
    const inner = pathsOf(below, path);
    return inner.length === 0 ? [path] : inner;
  });
}

const pathTo = (before: string, step: string): string =>
  step.startsWith("f:") ? `${before === "" ? "" : `${before}.`}${step.slice(2)}` : `${before}[${step.slice(2)}]`;
