/**
 * Compares a live object with the desired one and lists the fields that differ. Servers add fields of their own, so it
 * looks at the desired fields only.
 */

import { isWithheld } from "../withheld-value.ts";

/** One field that differs, at a path such as `rules[0].verbs`. */
export interface Difference {
  readonly path: string;
  readonly want: unknown;
  readonly have: unknown;
}

/**
 * Finds the fields that differ, in the order of the desired object. What is secret or not known yet is not compared. An
 * empty list or object and an absent one are the same, and so are two ways to write a quantity.
 */
export function differences(want: unknown, have: unknown, path = ""): readonly Difference[] {
  const differs = [{ path, want, have }];
  if (isWithheld(want) || isWithheld(have)) return [];
  if (isEmpty(want)) return isEmpty(have) || !Array.isArray(want) ? [] : differs;
  if (Array.isArray(want)) {
    if (!Array.isArray(have) || have.length !== want.length) return differs;
    return want.flatMap((wanted, i) => differences(wanted, have[i] as unknown, `${path}[${i}]`));
  }
  if (isObject(want)) {
    if (!isObject(have) && !isEmpty(have)) return differs;
    const found = new Map(Object.entries(have ?? {}));
    return Object.entries(want).flatMap(([key, wanted]) => differences(wanted, found.get(key), below(path, key)));
  }
  return want === have || isSameAmount(want, have) ? [] : differs;
}

const below = (path: string, key: string) => (path === "" ? key : `${path}.${key}`);

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isEmpty = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  (Array.isArray(value) && value.length === 0) ||
  (isObject(value) && Object.keys(value).length === 0);

/** `1000m` and `1`, `1024Mi` and `1Gi`: the API server writes quantities in its own way. */
function isSameAmount(want: unknown, have: unknown): boolean {
  const [a, b] = [amountOf(want), amountOf(have)];
  return a !== undefined && b !== undefined && Math.abs(a - b) <= Math.abs(a) * 1e-9;
}

function amountOf(value: unknown): number | undefined {
  const [, digits, suffix = ""] = /^(\d+(?:\.\d+)?)(m|k|[KMGTPE]i|[MGTPE])?$/.exec(String(value)) ?? [];
  if (digits === undefined) return undefined;
  if (suffix === "m") return Number(digits) / 1000;
  const power = "kMGTPE".indexOf(suffix.charAt(0).replace("K", "k")) + 1;
  return Number(digits) * (suffix === "" ? 1 : (suffix.endsWith("i") ? 1024 : 1000) ** power);
}
