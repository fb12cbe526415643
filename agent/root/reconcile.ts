/** `workstation reconcile [--check]`: the whole host from what was last delivered; hourly by itself, or by hand. */

import { Refusal, tell } from "../refusal.ts";
import { writeOwnFiles } from "../facts/root/own-file.ts";
import { say, warn } from "../say.ts";
import { convergeHost } from "./apply.ts";
import { hourlyAllowance, unfitForRemovals } from "./brakes.ts";
import { deliverWaiting, waitingFor } from "./credentials.ts";
import { type Machine, machineOf } from "./machine.ts";
import { onlyLooking } from "./only-looking.ts";
import { convergePart, type Outcome, type PersonRun } from "./person.ts";
import { isTheirHour } from "./probe.ts";
import { unitsOf } from "./steps/units.ts";
import {
  loadPart,
  peopleOfParts,
  PERSON_KINDS,
  type PersonPart,
  readCut,
  readDelivered,
  readHold,
  recordFailure,
} from "./store.ts";
import type { System } from "./system.ts";
import { asOfNow } from "./until.ts";

const WORKER_DEADLINE_MS = 120_000;
/** Two cores are the usual host; more at once would only make each of them slower. */
const AT_ONCE = 2;

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
    nowMs,
  });
  for (const { who, why } of now.held) outcomes.push({ who, kind: "account", failed: why });
  let changed = 0;
  const failed: string[] = [];
  for (const host of [base, now.maps]) {
    if (host === undefined) continue;
    const outcome = await convergeHost(m, host, mode);
    changed += outcome.changed;
    failed.push(...outcome.failed.map((why) => `host: ${why}`));
  }
  const allowance = hourlyAllowance({ maps: now.maps, ...facts });
  // A test that wants a worker to die wants it to start.
  const probing = (osUser: string) => failpoint === undefined && !isTheirHour(osUser, nowMs);
  const run: PersonRun = { m, mode, say, warn, allowance, workerDeadlineMs: WORKER_DEADLINE_MS, failpoint, probing };
  for (const outcome of [...outcomes, ...(await everybody(run, now.parts))]) {
    if ("failed" in outcome) failed.push(`${outcome.who}: ${outcome.kind}: ${outcome.failed}`);
    else changed += outcome.changed;
    if (mode === "apply")
      recordFailure(m.sys, outcome.who, outcome.kind, "failed" in outcome ? outcome.failed : undefined);
  }
  if (mode === "apply") {
    for (const who of waitingFor(m)) {
      const arrived = await deliverWaiting(m, who, failpoint);
      if (arrived === undefined) failed.push(`${who}: credentials: still waiting`);
      else changed += arrived;
    }
  }
  if (mode === "apply") writeOwnFiles(m.sys);
  for (const sentence of failed) warn(`failed: ${sentence}`);
  if (changed === 0 && failed.length === 0) say("nothing to change");
  return failed.length > 0 ? 1 : 0;
}

/** Root's own steps one after the other, since they write the same few files; workers two at a time. */
async function everybody(run: PersonRun, parts: readonly PersonPart[]): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  const ofKind = (kind: PersonPart["kind"]) => parts.filter((of) => of.kind === kind);
  await run.m.units(parts.map((of) => of.osUser).flatMap(unitsOf));
  for (const of of ofKind("account")) outcomes.push(await convergePart(run, of));
  const queue = [...ofKind("clones")];
  const lane = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift())
      outcomes.push(await convergePart(run, next));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  for (const of of ofKind("units")) outcomes.push(await convergePart(run, of));
  return outcomes;
}

/** A damaged part is that person's failure, like any other. Parts under a name that somebody else's rename gave up wait. */
function loadPeople(m: Machine): { readonly outcomes: Outcome[]; readonly parts: readonly PersonPart[] } {
  const outcomes: Outcome[] = [];
  const parts: PersonPart[] = [];
  for (const who of peopleOfParts(m.sys)) {
    for (const kind of PERSON_KINDS) {
      try {
        const of = loadPart(m.sys, kind, who);
        if (of !== undefined) parts.push(of);
      } catch (error) {
        outcomes.push({ who, kind, failed: tell(error) });
      }
    }
  }
  const givenUp = new Set(parts.flatMap((of) => (of.kind === "account" ? (of.formerNames ?? []) : [])));
  return { outcomes, parts: parts.filter(({ osUser }) => !givenUp.has(osUser)) };
}
