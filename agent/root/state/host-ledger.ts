/** Keeps this host's own copy of the ledger: the uid and ports of every user, which are never assigned to anybody else. */

import { z } from "zod";
import { refusalOf } from "../../lib/errors.ts";
import { mapOf } from "../../lib/map-schema.ts";
import type { System } from "../system/privileged-operations.ts";
import { readJson, STATE, writeJson } from "./json-files.ts";

/** What this host was told to give, once and for good; a later part that says otherwise is refused by name. */
const ledgerEntry = z.strictObject({
  uid: z.int(),
  /** The account was here before and was taken over. */
  adopted: z.boolean(),
  t3: z.int().optional(),
  browser: z.int().optional(),
  /** The day on which the account was removed for good (`YYYY-MM-DD`, UTC): the uid stays taken, the ports are free. */
  removedOn: z.string().optional(),
  /** What the stack's ledger said of somebody who was removed: their parts are gone. */
  given: z.record(z.string(), z.json()).optional(),
});
const ledger = z.strictObject({ version: z.literal(1), people: mapOf(ledgerEntry) });
export type LedgerEntry = z.output<typeof ledgerEntry>;
export type HostLedger = ReadonlyMap<string, LedgerEntry>;

/** @throws Refusal when it is damaged */
export function readLedger(sys: System): HostLedger {
  const stored = readJson(sys, `${STATE}/ledger.json`, ledger);
  return stored?.people ?? new Map();
}

/** What is wrong with the ledger; undefined where it is intact or absent. */
export const damageOfLedger = (sys: System): string | undefined => refusalOf(() => readLedger(sys));

export function writeLedger(sys: System, people: HostLedger): void {
  writeJson(sys, `${STATE}/ledger.json`, { version: 1, people: Object.fromEntries([...people].sort(byName)) });
}

/** A renamed person's entry goes on under their new name. */
export function moveEntry(sys: System, was: string, is: string): void {
  const people = new Map(readLedger(sys));
  const entry = people.get(was);
  if (entry === undefined) return;
  people.delete(was);
  writeLedger(sys, people.set(is, entry));
}

const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1);
