/**
 * Records which version of the agent last converged each part, so that the delivery of a new agent ends once every part
 * is converged by it.
 */

import { createHash } from "node:crypto";
import { z } from "zod";
import { AGENT } from "../system/installed-paths.ts";
import { PERSON_KINDS, type PersonKind } from "./stored-parts.ts";
import { readJson, STATE, writeJson } from "./json-files.ts";
import { Refusal } from "../../lib/errors.ts";
import { mapOf } from "../../lib/map-schema.ts";
import type { System } from "../system/privileged-operations.ts";

const FILE = `${STATE}/converged.json`;
const stored = mapOf(z.partialRecord(z.enum(PERSON_KINDS), z.string()));

export interface ConvergedVersions {
  /** Whether this very agent has brought the part about, in whatever it was delivered. */
  has(osUser: string, kind: PersonKind): boolean;
  add(osUser: string, kind: PersonKind): void;
  /** Writes what was added; nothing when nothing was. */
  save(): void;
}

/** A damaged record is an empty one: everybody is converged once more, which changes nothing on a converged host. */
export function convergedVersions(sys: System): ConvergedVersions {
  const agent = createHash("sha256")
    .update(sys.read(AGENT) ?? "")
    .digest("hex")
    .slice(0, 16);
  const versions = new Map(read(sys));
  let changed = false;
  return {
    has: (osUser, kind) => versions.get(osUser)?.[kind] === agent,
    add: (osUser, kind) => {
      if (versions.get(osUser)?.[kind] === agent) return;
      versions.set(osUser, { ...versions.get(osUser), [kind]: agent });
      changed = true;
    },
    save: () => {
      if (changed) writeJson(sys, FILE, Object.fromEntries(versions));
      changed = false;
    },
  };
}

/** Whether any agent has ever converged this part here. @throws Refusal when the record is damaged */
export const everConverged = (sys: System, osUser: string, kind: PersonKind): boolean =>
  readJson(sys, FILE, stored)?.get(osUser)?.[kind] !== undefined;

/** Has the end of the delivery converge everybody's units once more: which services their host offers is in no part of theirs. */
export function forgetConvergedUnits(sys: System): void {
  const versions = [...read(sys)];
  if (versions.every(([, kinds]) => kinds.units === undefined)) return;
  const others = versions.map(([name, { units: _, ...kinds }]) => [name, kinds] as const);
  writeJson(sys, FILE, Object.fromEntries(others));
}

/** Forgets a person who is recorded anew: what was converged for the former account of that name says nothing any more. */
export function forgetConverged(sys: System, osUser: string): void {
  const versions = read(sys);
  if (!versions.has(osUser)) return;
  writeJson(sys, FILE, Object.fromEntries([...versions].filter(([name]) => name !== osUser)));
}

function read(sys: System): z.output<typeof stored> {
  try {
    return readJson(sys, FILE, stored) ?? new Map();
  } catch (error) {
    if (error instanceof Refusal) return new Map();
    throw error;
  }
}
