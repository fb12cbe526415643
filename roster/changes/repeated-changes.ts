/**
 * Lists the changes that an earlier run announced and did not bring to every surface. A run announces them again, since it
 * is the one that brings them about.
 */

import type { Desired } from "../model.ts";
import {
  heldStates,
  stackSurfaces,
  type StackSurfaces,
  type Surface,
  type Undelivered,
} from "../undelivered-changes.ts";
import {
  type Before,
  changeOf,
  type EntryChange,
  holdersOfRun,
  lacksHome,
  type PersonChange,
  tokenSurfaces,
} from "./compare-ledgers.ts";

export interface RepeatedChange extends PersonChange {
  /** Where the earlier run did not complete. */
  readonly surfaces: readonly Surface[];
}

/** @param changes those of this run, which are announced anyway; @param has the stack's surfaces */
export function repeatedChanges(
  undelivered: Undelivered,
  before: Before,
  desired: Desired,
  changes: readonly PersonChange[],
  has: StackSurfaces = stackSurfaces(),
): readonly RepeatedChange[] {
  const announced = new Map(changes.map((change) => [change.who, change]));
  const held = [...desired.ledger.people.keys()].map(
    (who) => [who, heldStates(undelivered, before.renamed.get(who) ?? who)] as const,
  );
  const entries = held.flatMap(([who, states]) =>
    states.flatMap(({ entry }) => (entry === undefined ? [] : [[who, entry] as const])),
  );
  const holders = holdersOfRun(before, desired, entries);
  return held.flatMap(([who, states]) => {
    const after = desired.ledger.people.get(who);
    if (after === undefined) return [];
    const byKind = new Map<PersonChange["kind"], RepeatedChange>();
    const previously = desired.people.get(who)?.previously ?? {};
    // A return that is repeated: the record keeps no state that equals what the run gives.
    const isReturn = announced.get(who)?.kind === "returns";
    const tokensOn = isReturn ? tokenSurfaces(undelivered, before.renamed.get(who) ?? who) : "unknown";
    const mayLackHome = lacksHome(undelivered, after, before.renamed.get(who) ?? who);
    for (const { name, entry, surfaces } of states) {
      const formerName = name === who ? undefined : name;
      const { hosts } = desired;
      const state: EntryChange = { who, past: entry, after, previously, formerName, tokensOn, hosts, mayLackHome };
      const change = changeOf(state, holders, has);
      if (change === undefined) continue;
      const found = byKind.get(change.kind);
      byKind.set(change.kind, found === undefined ? { ...change, surfaces } : merged(found, { ...change, surfaces }));
    }
    return [...byKind.values()].flatMap((change) => without(announced.get(who), change));
  });
}

const merged = (one: RepeatedChange, other: RepeatedChange): RepeatedChange => ({
  ...one,
  lost: union(one.lost, other.lost),
  gained: union(one.gained, other.gained),
  other: union(one.other, other.other),
  surfaces: union(one.surfaces, other.surfaces),
});

const union = <Item>(one: readonly Item[], other: readonly Item[]): readonly Item[] => [...new Set([...one, ...other])];

/** What this run says anyway is not said twice. */
function without(said: PersonChange | undefined, change: RepeatedChange): readonly RepeatedChange[] {
  if (said?.kind !== change.kind) return [change];
  const rest = {
    ...change,
    lost: change.lost.filter((phrase) => !said.lost.includes(phrase)),
    gained: change.gained.filter((phrase) => !said.gained.includes(phrase)),
    other: change.other.filter((phrase) => !said.other.includes(phrase)),
  };
  return rest.lost.length + rest.gained.length + rest.other.length > 0 ? [rest] : [];
}
