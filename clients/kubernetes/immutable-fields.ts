/** Lists the fields of the program's kinds that no update changes in place: another value means to delete the object. */

import { isWithheld } from "../withheld-value.ts";

const IMMUTABLE: Readonly<Record<string, readonly string[]>> = {
  ClusterRoleBinding: ["roleRef"],
  ConfigMap: ["data", "binaryData"],
  Deployment: ["spec.selector"],
  PersistentVolumeClaim: ["spec.accessModes", "spec.selector", "spec.storageClassName", "spec.volumeName"],
  ResourceQuota: ["spec.scopes"],
  RoleBinding: ["roleRef"],
  Secret: ["type", "data", "stringData"],
  Service: ["spec.clusterIP"],
};

/** Of these, what the live object has beyond the declared value is a difference too. */
const WHOLE: readonly string[] = ["Deployment spec.selector", "ResourceQuota spec.scopes"];

/** The immutable field of the kind in which a path such as `roleRef.name` lies. */
export const immutableField = (kind: string, path: string): string | undefined =>
  IMMUTABLE[kind]?.find((field) => path === field || path.startsWith(`${field}.`) || path.startsWith(`${field}[`));

/**
 * Compares the immutable fields of a declared object with the live one. What is secret or not known yet is not compared, nor,
 * in most fields, what is not declared.
 * @returns the fields that differ
 */
export const differingImmutableFields = (kind: string, declared: unknown, live: unknown): readonly string[] =>
  (IMMUTABLE[kind] ?? []).filter((field) => {
    const [want, have] = [at(declared, field), at(live, field)];
    return !agrees(want, have) || (WHOLE.includes(`${kind} ${field}`) && !isWithheld(want) && !agrees(have, want));
  });

const at = (object: unknown, path: string): unknown =>
  path.split(".").reduce<unknown>((part, name) => (isMap(part) ? part[name] : undefined), object);

function agrees(declared: unknown, live: unknown): boolean {
  if (declared === undefined || isWithheld(declared)) return true;
  if (Array.isArray(declared)) {
    const have: unknown = live ?? [];
    return Array.isArray(have) && declared.length === have.length && declared.every((one, i) => agrees(one, have[i]));
  }
  if (isMap(declared)) return Object.entries(declared).every(([name, part]) => isMap(live) && agrees(part, live[name]));
  return declared === live;
}

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
