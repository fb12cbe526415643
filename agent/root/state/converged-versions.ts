/**
 * Records which version of the agent last converged each part, so that the delivery of a new agent ends once every part
 * is converged by it.
 */

import { createHash } from "node:crypto";
import { z } from "zod";
import { AGENT } from "../system/installed-paths.ts";
import { PERSON_KINDS, type PersonKind } from "./parts.ts";
import { readJson, STATE, writeJson } from "./json-files.ts";
import { Refusal } from "../../lib/errors.ts";
import { mapOf } from "../../lib/map-schema.ts";
import type { System } from "../system/privileged-operations.ts";

const FILE = `${STATE}/converged.json`;
const stored = mapOf(z.partialRecord(z.enum(PERSON_KINDS), z.string()));

export interface ConvergedVersions {
  /** Whether this very agent has brought the part about, in whatever it was delivered. */
  has(who: string, kind: PersonKind): boolean;
  add(who: string, kind: PersonKind): void;
  /** Writes what was added; nothing when nothing was. */
  save(): void;
}

/** A damaged record is an empty one: everybody is converged once more, which changes nothing on a converged host. */
export function convergedVersions(sys: System): ConvergedVersions {
  const agent = createHash("sha256")
    .update(sys.read(AGENT) ?? "")
    .digest("hex")
    .slice(0, 16);
  const known = new Map(read(sys));
  let changed = false;
  return {
    has: (who, kind) => known.get(who)?.[kind] === agent,
    add: (who, kind) => {
      if (known.get(who)?.[kind] === agent) return;
      known.set(who, { ...known.get(who), [kind]: agent });
      changed = true;
    },
    save: () => {
      if (changed) writeJson(sys, FILE, Object.fromEntries(known));
      changed = false;
    },
  };
}

/** Whether any agent has ever converged this part here. @throws Refusal when the record is damaged */
export const everConverged = (sys: System, who: string, kind: PersonKind): boolean =>
  readJson(sys, FILE, stored)?.get(who)?.[kind] !== undefined;

/** Forgets a person who is recorded anew: what was converged for the former account of that name says nothing any more. */
export function forgetConverged(sys: System, who: string): void {
  const known = read(sys);
  if (!known.has(who)) return;
  writeJson(sys, FILE, Object.fromEntries([...known].filter(([name]) => name !== who)));
}

function read(sys: System): z.output<typeof stored> {
  try {
    return readJson(sys, FILE, stored) ?? new Map();
  } catch (error) {
    if (error instanceof Refusal) return new Map();
    throw error;
  }
}
