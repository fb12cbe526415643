/**
 * Remembers what a surface may still hold from before a run that did not complete there. The ledger is written before the
 * first change, so the ledger alone does not tell what a surface was given.
 */

import { z } from "zod";
import { ledgerEntry } from "./ledger.ts";
import type { Ledger, LedgerEntry, OsUser, Problem } from "./model.ts";
import * as names from "./schema/patterns.ts";
import { canonicalJson, type Json } from "./text/canonical-json.ts";
import { readJsonFile } from "./text/json-file.ts";
import { plainValue } from "./text/tree-values.ts";

/** A surface by the name that a plan gives it: `forge`, `cluster`, `Vault`, or `host` and the host's name. */
export type Surface = "forge" | "cluster" | "Vault" | `host ${string}`;

/** Which of the surfaces that are no hosts a stack has. */
export type StackSurfaces = Readonly<Record<"forge" | "cluster" | "Vault", boolean>>;

/** Every one where nothing is known of the stack. */
export function stackSurfaces(surfaces?: readonly Surface[]): StackSurfaces {
  const has = (surface: Surface) => surfaces?.includes(surface) ?? true;
  return { forge: has("forge"), cluster: has("cluster"), Vault: has("Vault") };
}

/** The end of a phrase about a right that comes with a surface: no later run announces it again. */
export const onceAdded = (surface: keyof StackSurfaces, has: StackSurfaces): string =>
  has[surface] ? "" : ` once the stack has a ${surface}`;

/** What somebody had at an earlier time: the name of their account, and their entry of the ledger where they had one. */
export interface FormerState {
  readonly name: OsUser;
  readonly entry?: LedgerEntry;
}

/** By surface and by present name: everything beside the ledger's entry that the surface may hold. Empty when all is delivered. */
export type Undelivered = ReadonlyMap<Surface, ReadonlyMap<OsUser, readonly FormerState[]>>;

export type LoadedUndelivered =
  | { readonly ok: true; readonly undelivered: Undelivered }
  | { readonly ok: false; readonly problems: readonly Problem[] };

export const ALL_DELIVERED: Undelivered = new Map();

const osUser = z.string().regex(names.OS_USER.pattern);
const formerStates = z.array(z.strictObject({ name: osUser, entry: ledgerEntry.optional() }));

/** Reads the text that {@link writeUndelivered} writes. An unknown form is a problem: it must not pass for "all delivered". */
export function loadUndelivered(source: string, file: string): LoadedUndelivered {
  const read = readJsonFile(source, file, "the record of what is undelivered", 64);
  if (!read.ok) return read;
  const problems: Problem[] = [];
  const surfaces = new Map<Surface, ReadonlyMap<OsUser, readonly FormerState[]>>();
  for (const [surface, { value }] of read.top.entries) {
    const people = new Map<OsUser, readonly FormerState[]>();
    if (value.kind !== "map") problems.push(read.problem([surface], `${surface}: must be a map of people`));
    for (const [who, states] of value.kind === "map" ? value.entries : []) {
      const parsed = formerStates.safeParse(plainValue(states.value));
      if (!parsed.success || !osUser.safeParse(who).success)
        problems.push(
          read.problem([surface, who], `${surface}: ${who}: is not a list of former entries of the ledger`),
        );
      // The grammars above are those of the names' types.
      else people.set(who as OsUser, parsed.data as unknown as readonly FormerState[]);
    }
    surfaces.set(surface as Surface, people);
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, undelivered: surfaces };
}

/** Equal records, equal bytes. */
export const writeUndelivered = (undelivered: Undelivered): string =>
  canonicalJson(new Map([...undelivered].map(([surface, people]) => [surface as string, people as unknown as Json])));

/**
 * What has to be written down before the first change of a run: what was undelivered, and what this run changes.
 * @param before the ledger of the previous run, and who is renamed since
 * @param surfaces of the stack. A host that is not among them holds what it held when it was taken out, and gets nothing; what
 * other surfaces hold is forgotten with them
 */
export function undeliveredDuring(
  undelivered: Undelivered,
  before: { readonly people: Ledger["people"]; readonly renamed: ReadonlyMap<OsUser, OsUser> },
  after: Ledger["people"],
  surfaces: readonly Surface[],
): Undelivered {
  const record = new Map<Surface, Map<OsUser, readonly FormerState[]>>();
  const inStack = new Set(surfaces);
  const all = surfaces.length === 0 ? [] : [...inStack, ...hostsOf(after).filter((surface) => !inStack.has(surface))];
  for (const [who, now] of after) {
    const name = before.renamed.get(who) ?? who;
    const entry = before.people.get(name);
    const last: FormerState = { name, ...(entry === undefined ? {} : { entry }) };
    const texts = [textOf({ name: who, entry: now }), textOf(last)] as const;
    for (const surface of all) {
      const held = undelivered.get(surface)?.get(name) ?? [];
      const byText = new Map(held.map((state) => [textOf(state), state]));
      // Nobody is placed on a host that is out of the stack, so no later entry than the one before it was taken out gives access there.
      if (inStack.has(surface) || (entry !== undefined && givesAccess(surface, entry))) byText.set(texts[1], last);
      byText.delete(texts[0]);
      const states = [...byText.values()].filter((state) => concerns(surface, state, now));
      if (states.length > 0) record.set(surface, (record.get(surface) ?? new Map()).set(who, states));
    }
  }
  return record;
}

/** Every host that has, or had, an account of somebody. */
const hostsOf = (people: Ledger["people"]): readonly Surface[] => [
  ...new Set([...people.values()].flatMap(({ hosts }) => hosts.map((host): Surface => `host ${host}`))),
];

/** The part of the record that these surfaces have to be given: that of a host out of the stack waits for its return. */
export const onSurfaces = (undelivered: Undelivered, surfaces: readonly Surface[]): Undelivered =>
  new Map([...undelivered].filter(([surface]) => surfaces.includes(surface)));

/** The surfaces that may still give an offboarded user access, since the leave has not reached them. */
export const surfacesWithAccess = (undelivered: Undelivered, name: OsUser): readonly Surface[] =>
  [...undelivered].flatMap(([surface, people]) =>
    people.get(name)?.some(({ entry }) => entry !== undefined && givesAccess(surface, entry)) === true ? [surface] : [],
  );

const givesAccess = (surface: Surface, { leftOn, hosts: [host] }: LedgerEntry): boolean =>
  leftOn === undefined && (!surface.startsWith("host ") || surface === `host ${host}`);

/** A host has never held anybody who was not placed on it. */
const concerns = (surface: Surface, { entry }: FormerState, now: LedgerEntry): boolean =>
  !surface.startsWith("host ") || [...(entry?.hosts ?? []), ...now.hosts].some((host) => surface === `host ${host}`);

const textOf = (state: FormerState): string => canonicalJson(state as unknown as Json);

/** The record once a surface is complete. */
export const withoutSurface = (undelivered: Undelivered, done: Surface): Undelivered =>
  new Map([...undelivered].filter(([surface]) => surface !== done));

/** Whether a host may never have been given somebody's account. @param name the one that the record knows them by */
export const mayLackAccount = (undelivered: Undelivered, host: string, name: OsUser): boolean =>
  undelivered
    .get(`host ${host}`)
    ?.get(name)
    ?.some(({ entry }) => entry?.hosts.some((one) => one === host) !== true) ?? false;

/** One former state, and every surface that may hold it. */
export interface HeldState extends FormerState {
  readonly surfaces: readonly Surface[];
}

/** What surfaces may hold of one person, each state once. @param name the one that the record knows them by */
export function heldStates(undelivered: Undelivered, name: OsUser): readonly HeldState[] {
  const byText = new Map<string, HeldState>();
  for (const [surface, people] of undelivered) {
    for (const state of people.get(name) ?? []) {
      const text = textOf(state);
      byText.set(text, { ...state, surfaces: [...(byText.get(text)?.surfaces ?? []), surface] });
    }
  }
  return [...byText.values()];
}
