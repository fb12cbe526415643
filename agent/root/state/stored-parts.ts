/** Stores and loads the parts of the desired state that were delivered to this host, one JSON file each. */

import { type Part, type PartKind, part } from "../../contract.ts";
import { Refusal, refusalOf } from "../../lib/errors.ts";
import type { System } from "../system/privileged-operations.ts";
import { readJson, STATE, writeJson } from "./json-files.ts";

export const PERSON_KINDS = ["account", "clones", "units"] as const;
export type PersonKind = (typeof PERSON_KINDS)[number];
export type PersonPart = Extract<Part, { kind: PersonKind }>;

/** The file of a part: `base`, `maps`, `account.anca`. */
export const partFile = (of: Part): string =>
  "host" in of ? `${STATE}/parts/${of.kind}.json` : `${STATE}/parts/${of.kind}.${of.osUser}.json`;

export function storePart(sys: System, of: Part): void {
  writeJson(sys, partFile(of), of);
}

const REDELIVER = 'start the schedule "daily", which delivers it again';

/** @throws Refusal when a stored part no longer passes the contract: the host waits for the next delivery. */
export function loadPart<K extends PartKind>(
  sys: System,
  kind: K,
  osUser?: string,
): Extract<Part, { kind: K }> | undefined {
  const path = `${STATE}/parts/${osUser === undefined ? kind : `${kind}.${osUser}`}.json`;
  const loaded = readJson(sys, path, part, REDELIVER);
  if (loaded === undefined) return undefined;
  if (loaded.kind !== kind || ("osUser" in loaded && loaded.osUser !== osUser))
    throw new Refusal(`${path} contains another part; ${REDELIVER}`);
  return loaded as Extract<Part, { kind: K }>;
}

/** The same, with `damaged` in place of a part that cannot be read: unknown is not absent. */
export function tryLoadPart<K extends PartKind>(
  sys: System,
  kind: K,
  osUser?: string,
): Extract<Part, { kind: K }> | "damaged" | undefined {
  try {
    return loadPart(sys, kind, osUser);
  } catch (error) {
    if (error instanceof Refusal) return "damaged";
    throw error;
  }
}

/** The same where damage is told elsewhere, and what the part decides can be left out: a damaged one is left out, too. */
export function loadIntactPart<K extends PartKind>(
  sys: System,
  kind: K,
  osUser?: string,
): Extract<Part, { kind: K }> | undefined {
  const loaded = tryLoadPart(sys, kind, osUser);
  return loaded === "damaged" ? undefined : loaded;
}

/** What is wrong with a stored part; undefined where it is intact or absent. */
export const damageOf = (sys: System, kind: PartKind, osUser?: string): string | undefined =>
  refusalOf(() => loadPart(sys, kind, osUser));

/** Whether any part was ever delivered. */
export const hasParts = (sys: System): boolean => (sys.list(`${STATE}/parts`) ?? []).length > 0;

/** Forgets the ingress secret: nothing on this host asks for it any more. */
export const removeIngressSecret = (sys: System): void => sys.remove(`${STATE}/parts/ingress-secret.json`);

/** The stored parts of one person. */
export const partFilesOf = (sys: System, osUser: string): readonly string[] =>
  PERSON_KINDS.map((kind) => `${STATE}/parts/${kind}.${osUser}.json`).filter((path) => sys.look(path) !== undefined);

/** Everybody of whom a part was ever delivered, by name. */
export function peopleOfParts(sys: System): readonly string[] {
  const names = (sys.list(`${STATE}/parts`) ?? []).map(
    (file) => /^(?:account|clones|units)\.(.+)\.json$/.exec(file)?.[1],
  );
  return [...new Set(names.filter((name) => name !== undefined))].sort();
}
