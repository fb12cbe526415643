/**
 * Implements the last command of a delivery: converges once more everybody who failed, whose remote was late or whom
 * this agent has not converged yet, and names those who still fail.
 */

import type { DeliveredDigests } from "../../lib/delivered-digests.ts";
import { publishFacts } from "../facts/publish-facts.ts";
import { info, warn } from "../../lib/log.ts";
import { deliveryRun } from "../people/delivery-run.ts";
import { compareDelivery } from "./confirm-delivery.ts";
import { convergedVersions } from "../state/converged-versions.ts";
import { deliverPendingCredentials, usersWithPendingCredentials } from "../people/deliver-credentials.ts";
import { removeDeliveryDuration, readDeliveryDuration, writeDeliveredAt } from "../state/deliveries.ts";
import { type Machine, machineOf } from "../system/cached-accounts-and-units.ts";
import { type ConvergedPeople, convergePeople, loadPeople, recordOutcomes } from "../people/converge-all.ts";
import { type PersonPart, loadIntactPart } from "../state/stored-parts.ts";
import { hasOffboarding } from "../state/offboarding-records.ts";
import { readFailures } from "../state/failures.ts";
import type { System } from "../system/privileged-operations.ts";
import { HOURLY_LIMITS } from "../people/worker-pool.ts";
import {
  usersWithPendingRemotes,
  removePendingRemote,
  readPendingRemote,
  startBackgroundRetry,
} from "../state/pending-remotes.ts";
import { expireAccess } from "../people/access-expiry.ts";

/** At least that long, and at most, in which a first clone of a delivery may end. */
const LEAST_MS = 8000;
const MOST_MS = 120_000;

/**
 * @param delivered digests of everything that this host was ever delivered and should hold; undefined for a run by hand
 * @returns 1 where anybody's part could not be brought about, or where this host does not hold what was delivered
 */
export async function finalizeDelivery(
  system: System,
  nowMs: number,
  failpoint: string | undefined,
  delivered: DeliveredDigests | undefined,
): Promise<number> {
  const m = machineOf(system);
  const { outcomes, parts } = loadPeople(m);
  const damaged: ConvergedPeople = { outcomes, unrecorded: recordOutcomes(m, outcomes) };
  const open = stillOpen(m, entitled(m, parts, nowMs));
  const minDeadlineMs = Math.min(Math.max(LEAST_MS, readDeliveryDuration(m.sys)), MOST_MS);
  const limits = { ...HOURLY_LIMITS, minDeadlineMs };
  const converged = open.length > 0 ? await convergePeople(deliveryRun(m, failpoint), open, limits) : damaged;
  const unrecorded = damaged.unrecorded ?? converged.unrecorded;
  if (unrecorded !== undefined) {
    for (const outcome of new Set([...outcomes, ...converged.outcomes]))
      if ("failed" in outcome) warn(`failed: ${outcome.who}: ${outcome.kind}: ${outcome.failed}`);
    warn(`failed: host: ${unrecorded}`);
    return 1;
  }
  for (const osUser of usersWithPendingCredentials(m)) await deliverPendingCredentials(m, osUser, failpoint);
  const isComplete = delivered === undefined || reportDelivery(m.sys, delivered);
  // The age of what an older image holds is not renewed, or the hourly run would go by it for longer.
  if (isComplete) writeDeliveredAt(m.sys, nowMs);
  removeDeliveryDuration(m.sys);
  await startBackgroundRetry(m.sys, nowMs);
  publishFacts(m.sys);
  const left = [...readFailures(m.sys)];
  for (const [who, failures] of left) for (const [kind, why] of failures) warn(`failed: ${who}: ${kind}: ${why}`);
  const waiting = usersWithPendingRemotes(m.sys);
  if (waiting.length > 0) warn(`warning: remotes are still retried in the background for ${waiting.join(", ")}`);
  if (left.length > 0) warn(`${left.length} of this host's users failed: ${left.map(([who]) => who).join(", ")}`);
  else if (isComplete) info("delivery complete: every user is in the delivered state");
  return left.length > 0 || !isComplete ? 1 : 0;
}

/**
 * The engine delivers only what changed, so a host that was restored from an older image keeps the rest as it was then.
 *
 * @returns whether this host holds all that was delivered; what it holds besides is a warning
 */
export function reportDelivery(sys: System, delivered: DeliveredDigests): boolean {
  const { different, missing, unexpected } = compareDelivery(sys, delivered);
  if (unexpected.length > 0)
    warn(
      `warning: this host holds what no deployment delivers: ${named(unexpected)}; was it restored from an image of before ` +
        "somebody was removed for good? Then remove them again (./ws remove)",
    );
  const lacking = [
    ...(different.length === 0 ? [] : [`holds another version of ${named(different)}`]),
    ...(missing.length === 0 ? [] : [`does not hold ${named(missing)}`]),
  ];
  if (lacking.length === 0) return true;
  warn(
    `failed: host: expected all that was delivered to this host, but it ${lacking.join(" and ")}; was it restored from an ` +
      'older image? Start the schedule "daily", which delivers everything to it again',
  );
  return false;
}

const MOST_NAMED = 6;
const named = (parts: readonly string[]): string =>
  `${parts.slice(0, MOST_NAMED).join(", ")}${parts.length > MOST_NAMED ? ` and ${parts.length - MOST_NAMED} more` : ""}`;

/** Leaves out users whose access has expired: they are not restored here, and only the hourly run offboards them, within its limits. */
function entitled(m: Machine, parts: readonly PersonPart[], nowMs: number): readonly PersonPart[] {
  const isOffboarded = (osUser: string) => hasOffboarding(m.sys, osUser);
  const counted = { maps: loadIntactPart(m.sys, "maps"), removalLimit: 0, unfit: undefined };
  // The delivery that ends here is newer than any before, so this clock is the one to go by.
  const now = expireAccess({
    ...counted,
    parts,
    isOffboarded,
    canOffboard: () => true,
    deliveredAtMs: undefined,
    nowMs,
  });
  const held = new Set(now.held.map(({ who }) => who));
  return now.parts.filter(({ osUser }) => !held.has(osUser));
}

function stillOpen(m: Machine, parts: readonly PersonPart[]): readonly PersonPart[] {
  const failures = readFailures(m.sys);
  const versions = convergedVersions(m.sys);
  return parts.filter(({ osUser, kind }) => {
    const late = kind === "clones" ? readPendingRemote(m.sys, osUser) : undefined;
    // Late in this delivery, and not tried by the background yet: tried once more with more time.
    if (late?.tries === 0) removePendingRemote(m.sys, osUser);
    return late?.tries === 0 || failures.get(osUser)?.has(kind) === true || !versions.has(osUser, kind);
  });
}
