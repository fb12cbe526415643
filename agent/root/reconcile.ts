/** `workstation reconcile [--check]`: the whole host from what was last delivered; hourly by itself, or by hand. */

import { writeOwnFiles } from "../facts/root/own-file.ts";
import { wantsWorker } from "../failpoint.ts";
import type { MapsPart } from "../contract.ts";
import { Refusal } from "../refusal.ts";
import { say, warn } from "../say.ts";
import { convergeHost } from "./apply.ts";
import { hourlyAllowance, unfitForRemovals } from "./brakes.ts";
import { deliverWaiting, waitingFor } from "./credentials.ts";
import { type Machine, machineOf } from "./machine.ts";
import { onlyLooking } from "./only-looking.ts";
import { convergePeople, loadPeople, WORKER_DEADLINE_MS } from "./people.ts";
import type { PersonRun } from "./person.ts";
import { isTheirHour } from "./probe.ts";
import { loadPart, type PersonPart, readCut, readDelivered, readHold, recordFailure } from "./store.ts";
import type { System } from "./system.ts";
import { HOURLY } from "./together.ts";
import { startFinish } from "./unfinished.ts";
import { asOfNow } from "./until.ts";

/** Exit code 0 when all is as delivered now, 1 when something or somebody failed. */
export async function reconcile(
  door: System,
  mode: "apply" | "check",
  nowMs: number,
  failpoint: string | undefined,
): Promise<number> {
  const hold = readHold(door);
  if (hold !== undefined && mode === "apply") {
    say(`on hold, nothing is done${hold === "" ? "" : `: ${hold}`}; remove /var/lib/workstation/hold to go on`);
    return 0;
  }
  const { changed, failed } = await convergeAll(door, { mode, nowMs, failpoint, say, warn });
  for (const sentence of failed) warn(`failed: ${sentence}`);
  if (changed === 0 && failed.length === 0) say("nothing to change");
  return failed.length > 0 ? 1 : 0;
}

/** How a run over the whole host goes, and where its sentences go. */
export interface HostRun {
  readonly mode: "apply" | "check";
  readonly nowMs: number;
  readonly failpoint: string | undefined;
  /** A change that was made, or would be. */
  readonly say: (line: string) => void;
  readonly warn: (line: string) => void;
}

export interface HostRunEnded {
  readonly changed: number;
  readonly failed: readonly string[];
  /** Whose last day has passed and whom no run has offboarded yet. */
  readonly expired: ReadonlySet<string>;
  /** Sentences about the host that hold against the delivered maps alone, and not as of now. */
  readonly isOnlyOfNow: (line: string) => boolean;
}

/** The whole host, people included. */
export async function convergeAll(door: System, how: HostRun): Promise<HostRunEnded> {
  const { mode, nowMs, failpoint } = how;
  const m = machineOf(mode === "check" ? onlyLooking(door) : door);
  const base = loadPart(m.sys, "base");
  const maps = loadPart(m.sys, "maps");
  if (base === undefined) throw new Refusal("nothing was ever delivered to this host; deploy to it first");
  const deliveredAtMs = readDelivered(m.sys);
  const facts = { ...base.reconcile, deliveredAtMs, nowMs };
  const { outcomes, parts } = loadPeople(m);
  const now = asOfNow({
    maps,
    parts,
    isCut: (who) => readCut(m.sys, who) !== undefined,
    removalLimit: facts.removalLimit,
    unfit: unfitForRemovals(facts),
    deliveredAtMs,
    nowMs,
  });
  for (const { who, why } of now.held) outcomes.push({ who, kind: "account", failed: why });
  let changed = 0;
  const failed: string[] = [];
  for (const host of [base, now.maps]) {
    if (host === undefined) continue;
    const outcome = await convergeHost(m, host, mode, how.say);
    changed += outcome.changed;
    failed.push(...outcome.failed.map((why) => `host: ${why}`));
  }
  const asDelivered = mode === "check" && now.maps !== maps ? await sentencesFor(m, maps) : undefined;
  const allowance = hourlyAllowance({ maps: now.maps, ...facts });
  const probing = (osUser: string) => !wantsWorker(failpoint, osUser) && !isTheirHour(osUser, nowMs);
  const workerDeadlineMs = WORKER_DEADLINE_MS;
  const run: PersonRun = { ...how, m, allowance, workerDeadlineMs, probing };
  for (const outcome of [...outcomes, ...(await convergePeople(run, now.parts, HOURLY))]) {
    if ("failed" in outcome) failed.push(`${outcome.who}: ${outcome.kind}: ${outcome.failed}`);
    else changed += outcome.changed;
  }
  if (mode === "apply") {
    for (const { who, kind, failed: why } of outcomes) recordFailure(m.sys, who, kind, why);
    for (const who of waitingFor(m)) {
      const arrived = await deliverWaiting(m, who, failpoint);
      if (arrived === undefined) failed.push(`${who}: credentials: still waiting`);
      else changed += arrived;
    }
  }
  if (mode === "apply") await startFinish(m.sys, nowMs);
  if (mode === "apply") writeOwnFiles(m.sys);
  return { changed, failed, expired: expiredIn(m.sys, parts, now.parts), isOnlyOfNow: onlyOfNow(asDelivered) };
}

const onlyOfNow = (asDelivered: ReadonlySet<string> | undefined) => (line: string) =>
  asDelivered !== undefined && line.startsWith("host: ") && !asDelivered.has(line);

/** What the delivered maps would change; a dry run. */
async function sentencesFor(m: Machine, maps: MapsPart | undefined): Promise<ReadonlySet<string>> {
  const lines = new Set<string>();
  if (maps !== undefined) await convergeHost(m, maps, "check", (line) => lines.add(line));
  return lines;
}

function expiredIn(sys: System, parts: readonly PersonPart[], now: readonly PersonPart[]): ReadonlySet<string> {
  const before = new Map(parts.map((part) => [`${part.kind} ${part.osUser}`, part.state]));
  return new Set(
    now
      .filter(
        ({ kind, osUser, state }) => state !== before.get(`${kind} ${osUser}`) && readCut(sys, osUser) === undefined,
      )
      .map(({ osUser }) => osUser),
  );
}
