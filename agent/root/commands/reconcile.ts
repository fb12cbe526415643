/**
 * Implements `workstation reconcile [--check]`: converges the whole host to what was last delivered, hourly or by hand.
 */

import { publishFacts } from "../facts/publish-facts.ts";
import { wantsWorker } from "../../lib/failpoints.ts";
import { Refusal } from "../../lib/errors.ts";
import { info, warn } from "../../lib/log.ts";
import { convergeHost } from "../host/converge-host.ts";
import { hourlyAllowance, tooOldForRemovals } from "../people/offboarding-limits-of-host.ts";
import { deliverPendingCredentials, usersWithPendingCredentials } from "../people/deliver-credentials.ts";
import type { MapsPart } from "../../contract.ts";
import { type Machine, machineOf } from "../system/cached-accounts-and-units.ts";
import { dryRun } from "../system/dry-run.ts";
import { convergePeople, loadPeople, recordOutcomes, WORKER_DEADLINE_MS } from "../people/converge-all.ts";
import { canOffboard } from "../people/converge-person.ts";
import type { PersonRun } from "../people/person-run.ts";
import { isDailyRun } from "../people/detect-changes.ts";
import { damageOf, hasParts, loadPart, type PersonPart, tryLoadPart } from "../state/stored-parts.ts";
import { hasOffboarding } from "../state/offboarding-records.ts";
import { readDeliveredAt, readHold } from "../state/deliveries.ts";
import type { System } from "../system/privileged-operations.ts";
import { HOURLY_LIMITS } from "../people/worker-pool.ts";
import { startBackgroundRetry } from "../state/pending-remotes.ts";
import { expireAccess } from "../people/access-expiry.ts";

/** Exit code 0 when all is as delivered now, 1 when something or somebody failed. */
export async function reconcile(
  system: System,
  mode: "apply" | "check",
  nowMs: number,
  failpoint: string | undefined,
): Promise<number> {
  const hold = readHold(system);
  if (hold !== undefined && mode === "apply") {
    info(`on hold, nothing was changed${hold === "" ? "" : `: ${hold}`}; remove /var/lib/workstation/hold to resume`);
    return 0;
  }
  if (!hasDeliveries(system)) {
    info("nothing has been delivered to this host yet: nothing to do");
    return 0;
  }
  const { changed, failed } = await convergeAll(system, { mode, nowMs, failpoint, info, warn });
  for (const sentence of failed) warn(`failed: ${sentence}`);
  if (changed === 0 && failed.length === 0) info("nothing to change");
  return failed.length > 0 ? 1 : 0;
}

/** How a run over the whole host goes, and where its sentences go. */
export interface HostRun {
  readonly mode: "apply" | "check";
  readonly nowMs: number;
  readonly failpoint: string | undefined;
  /** A change that was made, or would be. */
  readonly info: (line: string) => void;
  readonly warn: (line: string) => void;
}

export interface HostRunEnded {
  readonly changed: number;
  readonly failed: readonly string[];
  /** Users whose last day has passed and whom no run has offboarded yet. */
  readonly expired: ReadonlySet<string>;
  /** Whether a sentence about the host is only due because a last day has passed. */
  readonly isDueToExpiry: (line: string) => boolean;
  /** Those of `failed` about a user whose last day has passed and whom this run may not offboard yet. */
  readonly held: ReadonlySet<string>;
}

const NOTHING_DELIVERED: HostRunEnded = {
  changed: 0,
  failed: [],
  expired: new Set(),
  isDueToExpiry: () => false,
  held: new Set(),
};

const hasDeliveries = (sys: System): boolean => hasParts(sys) || readDeliveredAt(sys) !== undefined;

/** Converges the whole host, people included, or with the mode `check` only looks. */
export async function convergeAll(system: System, how: HostRun): Promise<HostRunEnded> {
  const { mode, nowMs, failpoint } = how;
  const m = machineOf(mode === "check" ? dryRun(system) : system);
  const base = loadPart(m.sys, "base");
  const failed: string[] = [];
  const maps = tryLoadPart(m.sys, "maps");
  const intactMaps = maps === "damaged" ? undefined : maps;
  // The maps stay as they are; a delivery repairs the part.
  const loadMaps = () => (maps === "damaged" ? loadPart(m.sys, "maps") : now.maps);
  if (maps === "damaged") failed.push(`host: ${damageOf(m.sys, "maps")}`);
  const deliveredAtMs = readDeliveredAt(m.sys);
  if (base === undefined) {
    if (!hasDeliveries(m.sys)) return NOTHING_DELIVERED;
    throw new Refusal("the base part is missing, though this host has had deliveries; run a deployment");
  }
  const facts = { ...base.reconcile, deliveredAtMs, nowMs };
  const { outcomes, parts } = loadPeople(m);
  const now = expireAccess({
    maps: intactMaps,
    parts,
    isOffboarded: (osUser) => hasOffboarding(m.sys, osUser),
    canOffboard: (part) => canOffboard(m, part),
    removalLimit: facts.removalLimit,
    unfit: tooOldForRemovals(facts),
    deliveredAtMs,
    nowMs,
  });
  for (const { who, why } of now.held) outcomes.push({ who, kind: "account", failed: why });
  let changed = 0;
  for (const host of [base, now.maps]) {
    if (host === undefined) continue;
    const outcome = await convergeHost(m, host, mode, how.info);
    changed += outcome.changed;
    failed.push(...outcome.failed.map((why) => `host: ${why}`));
  }
  const asDelivered = mode === "check" && now.maps !== intactMaps ? await sentencesFor(m, intactMaps) : undefined;
  const allowance = hourlyAllowance({ maps: loadMaps, ...facts });
  const probing = (osUser: string) => !wantsWorker(failpoint, osUser) && !isDailyRun(osUser, nowMs);
  const workerDeadlineMs = WORKER_DEADLINE_MS;
  const run: PersonRun = { ...how, m, allowance, workerDeadlineMs, probing };
  const converged = await convergePeople(run, now.parts, HOURLY_LIMITS);
  for (const outcome of [...outcomes, ...converged.outcomes]) {
    if ("failed" in outcome) failed.push(`${outcome.who}: ${outcome.kind}: ${outcome.failed}`);
    else changed += outcome.changed;
  }
  if (mode === "apply") {
    const unrecorded = converged.unrecorded ?? recordOutcomes(m, outcomes);
    if (unrecorded !== undefined) failed.push(`host: ${unrecorded}`);
    for (const osUser of usersWithPendingCredentials(m)) {
      const arrived = await deliverPendingCredentials(m, osUser, failpoint);
      if (arrived === undefined) failed.push(`${osUser}: credentials: not delivered yet`);
      else changed += arrived;
    }
  }
  if (mode === "apply") await startBackgroundRetry(m.sys, nowMs);
  if (mode === "apply") publishFacts(m.sys);
  const held = new Set(now.held.map(({ who, why }) => `${who}: account: ${why}`));
  const expired = expiredIn(m.sys, parts, now.parts);
  return { changed, failed, expired, isDueToExpiry: dueToExpiry(asDelivered), held };
}

/** Whatever differs from the delivered maps as well was changed by somebody. */
const dueToExpiry = (asDelivered: ReadonlySet<string> | undefined) => (line: string) =>
  asDelivered !== undefined && line.startsWith("host: ") && !asDelivered.has(line);

/** What the delivered maps would change; only looks. */
async function sentencesFor(m: Machine, maps: MapsPart | undefined): Promise<ReadonlySet<string>> {
  const lines = new Set<string>();
  if (maps !== undefined) await convergeHost(m, maps, "check", (line) => lines.add(line));
  return lines;
}

function expiredIn(sys: System, parts: readonly PersonPart[], now: readonly PersonPart[]): ReadonlySet<string> {
  const before = new Map(parts.map((part) => [`${part.kind} ${part.osUser}`, part.state]));
  const isNewlyLeft = ({ kind, osUser, state }: PersonPart) =>
    state !== before.get(`${kind} ${osUser}`) && !hasOffboarding(sys, osUser);
  return new Set(now.filter(isNewlyLeft).map(({ osUser }) => osUser));
}
