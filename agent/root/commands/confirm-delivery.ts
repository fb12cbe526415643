/** Implements `workstation confirm-delivery [--check]`: compares what this host holds with what was delivered, and renews the delivery's age. */

import { createHash } from "node:crypto";
import type { Part } from "../../contract.ts";
import { Refusal } from "../../lib/errors.ts";
import { describeIssues, parseJson } from "../../lib/parse-json.ts";
import {
  type DeliveredDigests,
  deliveredDigests,
  type DeliveryComparison,
  digestOf,
} from "../../lib/delivered-digests.ts";
import { writeDeliveredAt } from "../state/deliveries.ts";
import { readLedger } from "../state/host-ledger.ts";
import { peopleOfParts, PERSON_KINDS, tryLoadPart } from "../state/stored-parts.ts";
import { AGENT } from "../system/installed-paths.ts";
import type { System } from "../system/privileged-operations.ts";

/**
 * A deployment that changes nothing on this host does not reach it, so the age of the last delivery would grow although
 * everything is as it should be. A host that was restored from an older image is told apart by its parts.
 * @param text the digests of everything that the deployment delivered, as JSON
 * @param isCheck only compares
 * @returns 0 where everything is as delivered, 1 where not: then the age is left as it is
 * @throws Refusal for what is not a list of digests
 */
export function confirmDelivery(sys: System, text: string, isCheck: boolean, nowMs: number): number {
  const compared = compareDelivery(sys, parseDigests(text));
  process.stdout.write(`${JSON.stringify(compared)}\n`);
  if (Object.values(compared).some((names) => names.length > 0)) return 1;
  if (!isCheck) writeDeliveredAt(sys, nowMs);
  return 0;
}

/** @throws Refusal for what is not a list of digests */
export function parseDigests(text: string): DeliveredDigests {
  const delivered = deliveredDigests.safeParse(parseJson(text, "the list of delivered parts"));
  if (!delivered.success)
    throw new Refusal(`the list of delivered parts is refused: ${describeIssues(delivered.error)}`);
  return delivered.data;
}

export function compareDelivery(sys: System, delivered: DeliveredDigests): DeliveryComparison {
  const digests = heldDigests(sys);
  const ledger = readLedger(sys);
  // Somebody who was removed for good has no parts here any more; the deployment forgets them with its next run.
  const isRemoved = (name: string) => ledger.get(personOf(name))?.removedOn !== undefined;
  const names = Object.keys(delivered).sort();
  return {
    different: names.filter((name) => digests.has(name) && digests.get(name) !== delivered[name]),
    missing: names.filter((name) => !digests.has(name) && !isRemoved(name)),
    unexpected: [...digests.keys()].filter((name) => delivered[name] === undefined).sort(),
  };
}

/** Parts under a name that its person has given up stay where they are and count for nothing. */
function heldDigests(sys: System): ReadonlyMap<string, string> {
  const digests = new Map<string, string>();
  const agent = sys.read(AGENT);
  if (agent !== undefined) digests.set("agent", createHash("sha256").update(agent).digest("hex"));
  for (const kind of ["base", "maps"] as const) {
    const part = tryLoadPart(sys, kind);
    if (part !== undefined) digests.set(kind, digestOfHeld(part));
  }
  const formerNames = new Set<string>();
  for (const osUser of peopleOfParts(sys)) {
    const account = tryLoadPart(sys, "account", osUser);
    for (const name of (account !== "damaged" && account?.formerNames) || []) formerNames.add(name);
    for (const kind of PERSON_KINDS) {
      const part = tryLoadPart(sys, kind, osUser);
      if (part !== undefined) digests.set(`${kind}.${osUser}`, digestOfHeld(part));
    }
  }
  for (const name of [...digests.keys()]) if (formerNames.has(personOf(name))) digests.delete(name);
  return digests;
}

/** A damaged part is another one than was delivered, so it is delivered again. */
const digestOfHeld = (part: Part | "damaged"): string => (part === "damaged" ? part : digestOf(part));

const personOf = (name: string): string => name.slice(name.indexOf(".") + 1);
