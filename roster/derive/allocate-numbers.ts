/**
 * Allocates numbers for good: a number that anybody holds or held is closed, and newcomers take the lowest free one.
 */

import { byCodeUnit } from "../text/code-unit-order.ts";
import type { PortRange } from "../model.ts";

export type Allocated<Name extends string> =
  | { readonly ok: true; readonly numbers: ReadonlyMap<Name, number> }
  | { readonly ok: false; readonly without: readonly Name[] };

/**
 * The lowest free number of the range for each newcomer, in the order of their names whatever order they come in.
 * `taken` may hold any numbers. When the range is full: the names that would get none.
 */
export function allocate<Name extends string>(
  newcomers: readonly Name[],
  taken: Iterable<number>,
  { first, last }: PortRange,
): Allocated<Name> {
  const closed = new Set(taken);
  const numbers = new Map<Name, number>();
  const without: Name[] = [];
  let next = first;
  for (const name of [...newcomers].sort(byCodeUnit)) {
    while (closed.has(next)) next++;
    if (next > last) without.push(name);
    else numbers.set(name, next++);
  }
  return without.length > 0 ? { ok: false, without } : { ok: true, numbers };
}
