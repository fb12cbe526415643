/**
 * Writes JSON with chosen bytes: keys by code unit, and maps with keys from outside without ever becoming an object.
 */

import { byCodeUnit } from "./code-unit-order.ts";

export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | ReadonlyMap<string, Json>
  | { readonly [key: string]: Json | undefined };

/** Two spaces a level, keys sorted, a final newline. A key whose value is `undefined` is left out. */
export function canonicalJson(value: Json): string {
  return `${write(value, "")}\n`;
}

function write(value: Json, indent: string): string {
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const deeper = `${indent}  `;
  const isList = Array.isArray(value);
  const parts = isList
    ? value.map((item: Json) => `${deeper}${write(item, deeper)}`)
    : entriesOf(value as Exclude<typeof value, readonly Json[]>).map(
        ([key, item]) => `${deeper}${JSON.stringify(key)}: ${write(item, deeper)}`,
      );
  const [open, close] = isList ? "[]" : "{}";
  return parts.length === 0 ? `${open}${close}` : `${open}\n${parts.join(",\n")}\n${indent}${close}`;
}

/** An array of pairs and never an object: an object puts keys that look like numbers first, and `__proto__` nowhere. */
function entriesOf(value: ReadonlyMap<string, Json> | { readonly [key: string]: Json | undefined }): [string, Json][] {
  const entries = value instanceof Map ? [...value] : Object.entries(value as object);
  return entries
    .filter((entry): entry is [string, Json] => entry[1] !== undefined)
    .sort(([a], [b]) => byCodeUnit(a, b));
}
