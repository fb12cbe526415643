/** Records which part of which person failed in the last run, and why. */

import { z } from "zod";
import { Refusal } from "../../lib/errors.ts";
import type { System } from "../system/privileged-operations.ts";
import { readJson, STATE, writeJson } from "./json-files.ts";
import { PERSON_KINDS } from "./stored-parts.ts";

/** What a person can fail in: their parts, and the credentials, which are never kept as a part. */
const FAILURE_KINDS = [...PERSON_KINDS, "credentials"] as const;
export type FailureKind = (typeof FAILURE_KINDS)[number];
const failures = z.partialRecord(z.enum(FAILURE_KINDS), z.string());

export const failuresFile = (osUser: string): string => `${STATE}/failures/${osUser}.json`;

/** Who failed in what, and why; of those whose last run went well nothing is kept. */
export function readFailures(sys: System): ReadonlyMap<string, ReadonlyMap<FailureKind, string>> {
  const all = new Map<string, ReadonlyMap<FailureKind, string>>();
  for (const file of sys.list(`${STATE}/failures`) ?? []) {
    const osUser = /^([a-z_][a-z0-9_-]*)\.json$/.exec(file)?.[1];
    if (osUser === undefined) continue;
    const of = readOf(sys, osUser);
    all.set(
      osUser,
      new Map(FAILURE_KINDS.flatMap((kind) => (of[kind] === undefined ? [] : [[kind, of[kind]] as const]))),
    );
  }
  return all;
}

/** A damaged record counts as a failure of each part until a run has recorded that part anew. It is nobody else's matter. */
function readOf(sys: System, osUser: string): z.output<typeof failures> {
  try {
    return readJson(sys, failuresFile(osUser), failures) ?? {};
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const why = `${failuresFile(osUser)} was damaged, so it is unknown what failed in the last run; the next run records it anew`;
    return Object.fromEntries(PERSON_KINDS.map((kind) => [kind, why]));
  }
}

export function recordFailure(sys: System, osUser: string, kind: FailureKind, why: string | undefined): void {
  const path = failuresFile(osUser);
  const recorded = new Map(readFailures(sys).get(osUser));
  if (why === undefined && !recorded.has(kind)) return;
  if (why === undefined) recorded.delete(kind);
  else recorded.set(kind, why);
  if (recorded.size === 0) sys.remove(path);
  else writeJson(sys, path, Object.fromEntries(recorded) satisfies z.output<typeof failures>);
}
