/** Builds the ledger with which a stack's first run starts, from the uids and ports that people hold already. */

import { writeLedger } from "../../roster/ledger.ts";
import type { LedgerEntry, OsUser, Policy, Ports } from "../../roster/model.ts";
import type { Desired } from "../../roster/model.ts";
import type { Guessed } from "./observed-people.ts";
import { UnreadableSurface } from "./unreadable-surface.ts";

export interface InitialLedger {
  /** The ledger's bytes. */
  readonly text: string;
  /** Numbers that nobody had given them yet. */
  readonly fresh: readonly string[];
}

/**
 * @param desired of a stack without a past, from the same roster
 * @param held uid and ports as the hosts have them
 */
export function initialLedger(desired: Desired, held: readonly Guessed[], ranges: Policy["ports"]): InitialLedger {
  const fresh: string[] = [];
  const real = new Map(held.map((one) => [one.osUser, one]));
  const used = new Set(held.flatMap(({ ports }) => Object.values(ports)));
  const next = (who: string, kind: keyof Ports): number => {
    const { first, last } = ranges[kind];
    let port = first;
    while (used.has(port)) port += 1;
    if (port > last)
      throw new UnreadableSurface(
        `${who}: no port of the ${KINDS[kind]} is free between ${first} and ${last}; widen workstation:ports.${kind} in the stack's configuration, for example by \`pulumi config set --path 'ports.${kind}.last' NUMBER\``,
      );
    used.add(port);
    fresh.push(`${who}: had no port of the ${KINDS[kind]} yet, and gets ${port}`);
    return port;
  };
  const people = new Map<OsUser, LedgerEntry>();
  for (const [osUser, entry] of desired.ledger.people) {
    const mine = real.get(osUser);
    if (mine === undefined) continue;
    const t3 = mine.ports.t3 ?? next(osUser, "t3");
    const browser = mine.ports.browser ?? next(osUser, "browser");
    people.set(osUser, { ...entry, uid: mine.uid, ports: { t3, browser } });
  }
  return { text: writeLedger({ version: 1, people }), fresh };
}

const KINDS: Readonly<Record<keyof Ports, string>> = { t3: "code server", browser: "browser" };
