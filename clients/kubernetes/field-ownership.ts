/**
 * Works out who owns which field of a Kubernetes object (server-side apply), and how the fields that a program declares
 * go from their owners to the program while every other field stays with its owner.
 */

import { z } from "zod";

/** A set of fields in the API's own form (`FieldsV1`): `f:name`, `k:{"key":"value"}`, `v:"value"` and `i:0` lead to parts. */
export interface FieldSet {
  readonly [step: string]: FieldSet;
}

const fieldSet: z.ZodType<FieldSet> = z.lazy(() => z.record(z.string(), fieldSet));

const entry = z.looseObject({
  manager: z.string().default(""),
  operation: z.string().default(""),
  apiVersion: z.string().default(""),
  subresource: z.string().optional(),
  fieldsV1: fieldSet.default({}),
});

const owned = z.looseObject({ metadata: z.looseObject({ managedFields: z.array(entry).default([]) }) });

/** An entry of an object's `metadata.managedFields`. */
export type FieldOwner = z.output<typeof entry>;

/** Fields of one owner, as paths such as `metadata.labels.team`. */
export interface OwnedFields {
  readonly owner: string;
  readonly fields: readonly string[];
}

/** What a program takes from others when it takes an object over. */
export interface Takeover {
  /** Declared fields that others own today. */
  readonly taken: readonly OwnedFields[];
  /** Labels and annotations of others, which stay theirs. */
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

export interface TakeoverOptions {
  readonly now: Date;
  readonly field?: readonly string[];
}

/**
 * @param live the object as the API server has it
 * @param declared what the program wants of it
 * @param field the steps to a field that only the program writes: whoever applies it is the program
 */
export function takeover(live: unknown, declared: object, { now, field = [] }: TakeoverOptions): Takeover {
  const parsed = owned.safeParse(live);
  const owners = parsed.success ? parsed.data.metadata.managedFields : [];
  const isOwn = ({ operation, fieldsV1 }: FieldOwner) =>
    operation === "Apply" && field.length > 0 && has(fieldsV1, field);
  const taken: OwnedFields[] = [];
  const kept: OwnedFields[] = [];
  const after: FieldOwner[] = [];
  let fields: FieldSet = {};
  let isChanged = false;
  for (const one of owners) {
    const isCreation = one.manager === CREATING_MANAGER && one.operation === "Update";
    if (one.subresource !== undefined || isOwn(one)) {
      after.push(one);
      continue;
    }
    const parts = split(one.fieldsV1, declared);
    const manager = isAbsorbed(one) ? formerName(one.manager) : one.manager;
    isChanged ||= !(isEmpty(parts.taken) || isCreation) || (manager !== one.manager && !isEmpty(parts.kept));
    fields = merged(fields, parts.taken);
    if (!isCreation) taken.push({ owner: one.manager, fields: pathsOf(parts.taken) });
    kept.push({ owner: one.manager, fields: pathsOf(parts.kept).filter((path) => HAND_MADE.test(path)) });
    if (!isEmpty(parts.kept)) join(after, { ...one, manager, fieldsV1: parts.kept });
  }
  const [first] = owners;
  const found = { taken: taken.filter(hasFields), kept: kept.filter(hasFields) };
  if (!isChanged || first === undefined) return found;
  const time = `${now.toISOString().slice(0, 19)}Z`;
  const ours = { manager: CREATING_MANAGER, operation: "Update", apiVersion: first.apiVersion, time };
  const managedFields = isEmpty(fields) ? after : [...after, { ...ours, fieldsType: "FieldsV1", fieldsV1: fields }];
  return { ...found, managedFields };
}

/** @returns a sentence for each owner: what is taken from them, and what stays theirs */
export function takeoverSentences(object: string, { taken, kept }: Takeover): readonly string[] {
  return [
    ...taken.map(({ owner, fields }) => `${object}: ${fields.join(", ")}: taken over from ${owner}`),
    ...kept.map(({ owner, fields }) => `${object}: ${fields.join(", ")}: kept as ${owner} set it`),
  ];
}

/** Labels and annotations without those that the API server and `kubectl apply` write by themselves. */
const HAND_MADE =
  /^metadata\.(labels|annotations)\.(?!kubernetes\.io\/metadata\.name$|kubectl\.kubernetes\.io\/last-applied)/;

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
      apiVersion === added.apiVersion &&
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

const has = (set: FieldSet, [step, ...rest]: readonly string[]): boolean => {
  if (step === undefined) return true;
  const below = set[step];
  return below !== undefined && has(below, rest);
};

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
    if (isEmpty(below)) {
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

/** The declared part to which a step leads; undefined where nothing is declared there. */
function partAt(value: unknown, step: string): unknown {
  const rest = step.slice(2);
  if (step.startsWith("f:")) return isMap(value) ? value[rest] : undefined;
  if (!Array.isArray(value)) return undefined;
  if (step.startsWith("i:")) return value[Number(rest)];
  const key: unknown = JSON.parse(rest);
  if (step.startsWith("v:")) return value.find((item) => item === key);
  return value.find((item) => isMap(item) && isMap(key) && hasKeys(item, key));
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
    const path = step.startsWith("f:")
      ? `${before === "" ? "" : `${before}.`}${step.slice(2)}`
      : `${before}[${step.slice(2)}]`;
    const inner = pathsOf(below, path);
    return inner.length === 0 ? [path] : inner;
  });
}
