/** Root's own memory below `/var/lib/workstation`: delivered parts, the host's ledger, failures, what a cut took away. */

import { z } from "zod";
import { type Part, type PartKind, part } from "../../contract.ts";
import { Refusal } from "../../lib/errors.ts";
import type { System } from "../system/privileged-operations.ts";

export const STATE = "/var/lib/workstation";

export const PERSON_KINDS = ["account", "clones", "units"] as const;
export type PersonKind = (typeof PERSON_KINDS)[number];
/** What a person can fail in: their parts, and the credentials, which are never kept as a part. */
const FAILURE_KINDS = [...PERSON_KINDS, "credentials"] as const;
export type FailureKind = (typeof FAILURE_KINDS)[number];
export type PersonPart = Extract<Part, { kind: PersonKind }>;

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
const ledger = z.strictObject({ version: z.literal(1), people: z.record(z.string(), ledgerEntry) });
export type LedgerEntry = z.output<typeof ledgerEntry>;
export type HostLedger = ReadonlyMap<string, LedgerEntry>;

const cut = z.strictObject({
  locked: z.boolean(),
  /** The expiry that was there before, in days since 1970. */
  expires: z.int().optional(),
  groups: z.array(z.string()),
  /** Of records of former versions; everybody who is present lingers. */
  linger: z.boolean().optional(),
});
/** What the reversible cut found, so that the return undoes exactly that. */
export type Cut = z.output<typeof cut>;

const failures = z.partialRecord(z.enum(FAILURE_KINDS), z.string());
const delivered = z.strictObject({ atMs: z.number() });

export interface PersonParts {
  readonly account?: Extract<Part, { kind: "account" }>;
  readonly clones?: Extract<Part, { kind: "clones" }>;
  readonly units?: Extract<Part, { kind: "units" }>;
}

/** The file of a part: `base`, `maps`, `account.anca`. */
export const partFile = (of: Part): string =>
  of.kind === "base" || of.kind === "maps"
    ? `${STATE}/parts/${of.kind}.json`
    : `${STATE}/parts/${of.kind}.${of.osUser}.json`;

export function storePart(sys: System, of: Part): void {
  writeJson(sys, partFile(of), of);
}

/** @throws Refusal when a stored part no longer passes the contract: the host waits for the next delivery. */
export function loadPart<K extends PartKind>(
  sys: System,
  kind: K,
  who?: string,
): Extract<Part, { kind: K }> | undefined {
  const path = `${STATE}/parts/${who === undefined ? kind : `${kind}.${who}`}.json`;
  const loaded = readJson(sys, path, part);
  if (loaded === undefined) return undefined;
  if (loaded.kind !== kind || ("osUser" in loaded && loaded.osUser !== who))
    throw new Refusal(`${path} holds another part`);
  return loaded as Extract<Part, { kind: K }>;
}

/** The stored parts of one person. */
export const partFilesOf = (sys: System, who: string): readonly string[] =>
  PERSON_KINDS.map((kind) => `${STATE}/parts/${kind}.${who}.json`).filter((path) => sys.look(path) !== undefined);

/** Everybody of whom a part was ever delivered, by name. */
export function peopleOfParts(sys: System): readonly string[] {
  const names = (sys.list(`${STATE}/parts`) ?? []).map(
    (file) => /^(?:account|clones|units)\.(.+)\.json$/.exec(file)?.[1],
  );
  return [...new Set(names.filter((name) => name !== undefined))].sort();
}

export function readLedger(sys: System): HostLedger {
  const stored = readJson(sys, `${STATE}/ledger.json`, ledger);
  return new Map(Object.entries(stored?.people ?? {}));
}

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

export const cutFile = (who: string): string => `${STATE}/cuts/${who}.json`;
export const readCut = (sys: System, who: string): Cut | undefined => readJson(sys, cutFile(who), cut);
export const writeCut = (sys: System, who: string, of: Cut): void => writeJson(sys, cutFile(who), of);
export const forgetCut = (sys: System, who: string): void => sys.remove(cutFile(who));

export const failuresFile = (who: string): string => `${STATE}/failures/${who}.json`;

/** Who failed in what, and why; of those whose last run went well nothing is kept. */
export function readFailures(sys: System): ReadonlyMap<string, ReadonlyMap<FailureKind, string>> {
  const all = new Map<string, ReadonlyMap<FailureKind, string>>();
  for (const file of sys.list(`${STATE}/failures`) ?? []) {
    const who = /^([a-z_][a-z0-9_-]*)\.json$/.exec(file)?.[1];
    if (who === undefined) continue;
    const of = readJson(sys, `${STATE}/failures/${file}`, failures) ?? {};
    all.set(who, new Map(FAILURE_KINDS.flatMap((kind) => (of[kind] === undefined ? [] : [[kind, of[kind]] as const]))));
  }
  return all;
}

export function recordFailure(sys: System, who: string, kind: FailureKind, why: string | undefined): void {
  const path = failuresFile(who);
  const known = new Map(readFailures(sys).get(who));
  if (why === undefined && !known.has(kind)) return;
  if (why === undefined) known.delete(kind);
  else known.set(kind, why);
  if (known.size === 0) sys.remove(path);
  else writeJson(sys, path, Object.fromEntries(known) satisfies z.output<typeof failures>);
}

/** What the last run on somebody's clones warned of, and when that was (ms since 1970). */
export interface Notes {
  readonly atMs: number;
  readonly says: string[];
}

const notesFile = (who: string): string => `${STATE}/notes/${who}.json`;

export function readNotes(sys: System, who: string): Notes | undefined {
  const says = readJson(sys, notesFile(who), z.array(z.string()));
  const atMs = sys.look(notesFile(who))?.mtimeMs;
  return says === undefined || atMs === undefined ? undefined : { atMs: Math.round(atMs), says };
}

export function writeNotes(sys: System, who: string, says: readonly string[]): void {
  if (says.length === 0) sys.remove(notesFile(who));
  else writeJson(sys, notesFile(who), says);
}

/** When the program last finished a delivery, in ms since 1970; undefined when it never did. */
export const readDelivered = (sys: System): number | undefined =>
  readJson(sys, `${STATE}/delivered.json`, delivered)?.atMs;
export const writeDelivered = (sys: System, atMs: number): void => writeJson(sys, `${STATE}/delivered.json`, { atMs });

/** Why the hourly run is to do nothing, or undefined when it may. */
export const readHold = (sys: System): string | undefined => sys.read(`${STATE}/hold`)?.toString("utf8").trim();

/** Replaces one of root's own files below `STATE`, closed to everybody else. */
export function writeJson(sys: System, path: string, value: unknown): void {
  sys.makeDirectory(STATE, 0o700);
  const room = path.slice(0, path.lastIndexOf("/"));
  if (room !== STATE) sys.makeDirectory(room, 0o700);
  sys.replaceFile(path, { bytes: `${JSON.stringify(value)}\n`, mode: 0o600 });
}

/** @throws Refusal for a file that is damaged: unknown is not absent. */
export function readJson<T>(sys: System, path: string, schema: z.ZodType<T>): T | undefined {
  const bytes = sys.read(path);
  if (bytes === undefined) return undefined;
  const parsed = schema.safeParse(jsonOf(bytes.toString("utf8"), path));
  if (!parsed.success)
    throw new Refusal(`${path} is damaged (${where(parsed.error)}); deliver again, or restore it from a backup`);
  return parsed.data;
}

/** @throws Refusal that names the source and not its content. */
export function jsonOf(text: string, source: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Refusal(`${source} is not valid JSON`, { cause });
  }
}

/** Where a schema was not met, without the value that was found. */
export const where = (error: z.ZodError): string =>
  error.issues
    .slice(0, 5)
    .map((issue) => `${issue.path.join(".") || "the whole"}: ${issue.message}`)
    .join("; ");

const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1);
