/** Reads a header that decides about access: exactly one header of exactly that name, or none. */

import { comparableHeaderName } from "../clients/http/header-name.ts";

export type SoleHeader = { readonly value: string } | { readonly refused: "missing" | "repeated" | "look-alike" };

/**
 * Programs behind a proxy may take `_` for `-`, so a name that would then be this one is somebody's attempt.
 * @param rawHeaders as node gives them, names and values in turn
 * @param name in lower case
 */
export function soleHeader(rawHeaders: readonly string[], name: string): SoleHeader {
  const names = rawHeaders.filter((_, at) => at % 2 === 0).map((found) => found.toLowerCase());
  const form = comparableHeaderName(name);
  if (names.some((found) => found !== name && comparableHeaderName(found) === form)) return { refused: "look-alike" };
  const at = names.indexOf(name);
  if (at === -1) return { refused: "missing" };
  return names.lastIndexOf(name) === at ? { value: rawHeaders[2 * at + 1] ?? "" } : { refused: "repeated" };
}
