/** `workstation settle`: the last word of a delivery. Failed people are tried once more; whoever still fails is named. */

import { writeOwnFiles } from "../facts/root/own-file.ts";
import { say, warn } from "../say.ts";
import { applyPerson } from "./apply.ts";
import { deliverWaiting, waitingFor } from "./credentials.ts";
import { machineOf } from "./machine.ts";
import { loadPart, PERSON_KINDS, readFailures, writeDelivered } from "./store.ts";
import type { System } from "./system.ts";

/** Exit code 1 when anybody's part could not be brought about: who, what, why. */
export async function settle(door: System, nowMs: number, failpoint: string | undefined): Promise<number> {
  const m = machineOf(door);
  for (const [who, failures] of readFailures(m.sys)) {
    for (const kind of PERSON_KINDS.filter((k) => failures.has(k))) {
      const of = loadPart(m.sys, kind, who);
      if (of !== undefined) await applyPerson(m, of, failpoint);
    }
  }
  for (const who of waitingFor(m)) await deliverWaiting(m, who, failpoint);
  writeDelivered(m.sys, nowMs);
  writeOwnFiles(m.sys);
  const left = [...readFailures(m.sys)];
  for (const [who, failures] of left) for (const [kind, why] of failures) warn(`failed: ${who}: ${kind}: ${why}`);
  if (left.length === 0) say("settled: everybody is as delivered");
  else warn(`${left.length} of this host's people failed: ${left.map(([who]) => who).join(", ")}`);
  return left.length > 0 ? 1 : 0;
}
