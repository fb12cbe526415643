/** Records which steps of the host's own parts failed in the last run that applied them, and why. */

import { z } from "zod";
import { Refusal } from "../../lib/errors.ts";
import type { System } from "../system/privileged-operations.ts";
import { readJson, STATE, writeJson } from "./json-files.ts";

/** The parts whose steps are converged for the host as a whole. */
const HOST_KINDS = ["base", "maps"] as const;
export type HostKind = (typeof HOST_KINDS)[number];
const failures = z.partialRecord(z.enum(HOST_KINDS), z.array(z.string()).min(1));

const HOST_FAILURES = `${STATE}/host-failures.json`;

/** One sentence a failed step; none where the last run of every part went well. */
export function readHostFailures(sys: System): readonly string[] {
  const recorded = readRecord(sys);
  return HOST_KINDS.flatMap((kind) => recorded[kind] ?? []);
}

/** A damaged record counts as a failure until a run has recorded each part anew. */
function readRecord(sys: System): z.output<typeof failures> {
  try {
    return readJson(sys, HOST_FAILURES, failures) ?? {};
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const why = `${HOST_FAILURES} was damaged, so it is unknown what failed in the last run; the next run records it anew`;
    return { base: [why], maps: [why] };
  }
}

export function recordHostFailures(sys: System, kind: HostKind, failed: readonly string[]): void {
  const recorded = readRecord(sys);
  if (failed.length === 0 && recorded[kind] === undefined) return;
  const { [kind]: _, ...others } = recorded;
  const left = failed.length === 0 ? others : { ...others, [kind]: [...failed] };
  if (Object.keys(left).length === 0) sys.remove(HOST_FAILURES);
  else writeJson(sys, HOST_FAILURES, left);
}
