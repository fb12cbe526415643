/** Collects the facts about one user from root's own files. It reads no home and starts no program. */

import type { HostFacts } from "../../shared/facts/facts-schemas.ts";
import { loadPart } from "../state/stored-parts.ts";
import { readFailures } from "../state/failures.ts";
import { readCloneWarnings } from "../state/clone-warnings.ts";
import type { System } from "../system/privileged-operations.ts";
import { readLastSeen, readNewest } from "../state/session-records.ts";

export function collectFacts(sys: System, osUser: string): HostFacts {
  const base = loadPart(sys, "base");
  const units = loadPart(sys, "units", osUser);
  const newest = readNewest(sys, osUser);
  const seenAtMs = readLastSeen(sys).get(osUser);
  const notes = readCloneWarnings(sys, osUser);
  return {
    osUser,
    host: base?.host ?? "",
    state: units?.state ?? "present",
    ...(units === undefined ? {} : { ports: units.ports, limits: units.limits }),
    sessions: {
      recorded: (newest?.sessions ?? []).map(({ name }) => name),
      ...(newest === undefined ? {} : { recordedAtMs: newest.takenAtMs }),
      ...(seenAtMs === undefined ? {} : { seenAtMs }),
    },
    ...(notes === undefined ? {} : { notes }),
    failures: [...(readFailures(sys).get(osUser) ?? [])].map(([part, why]) => ({ part, why })),
    ...(base?.contact === undefined ? {} : { contact: base.contact }),
  };
}
