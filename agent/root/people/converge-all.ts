/** Converges the parts of many people in one run: root's steps in turn, the workers in a pool. */

import { cpus, loadavg } from "node:os";
import { messageOf } from "../../lib/errors.ts";
import { convergedVersions } from "../state/converged-versions.ts";
import type { Machine } from "../system/cached-accounts-and-units.ts";
import { convergePart } from "./converge-person.ts";
import type { FailedOutcome, Outcome, PersonRun } from "./person-run.ts";
import { userManagerOf } from "../accounts/find-processes.ts";
import { sliceOf } from "../services/limits-in-effect.ts";
import { type HostServices, servicesOf } from "../services/host-services.ts";
import { wantedUnits } from "../services/unit-names.ts";
import { loadPart, peopleOfParts, PERSON_KINDS, type PersonPart, loadIntactPart } from "../state/stored-parts.ts";
import { recordFailure } from "../state/failures.ts";
import type { WorkerSignals } from "../system/run-as-user.ts";
import { type PoolLimits, runPool, scaledForLoad } from "./worker-pool.ts";

/** What nothing that a run waits for may take, whoever else is still at work. */
export const WORKER_DEADLINE_MS = 120_000;

export interface ConvergedPeople {
  readonly outcomes: readonly Outcome[];
  /** Why the outcomes could not be recorded; undefined where they are, or where a dry run records none. */
  readonly unrecorded: string | undefined;
}

/**
 * Brings about the parts and, when it is no dry run, records how it went. Root's steps write the same few files, so they
 * have their order; while all that is left of the workers are those who wait for something, the units go on.
 */
export async function convergePeople(
  run: PersonRun,
  parts: readonly PersonPart[],
  limits: PoolLimits,
): Promise<ConvergedPeople> {
  const outcomes: Outcome[] = [];
  const ofKind = (kind: PersonPart["kind"]) => parts.filter((of) => of.kind === kind);
  const inTurn = async (kind: PersonPart["kind"]) => {
    for (const of of ofKind(kind)) outcomes.push(await convergePart(run, of));
  };
  // All of them in one call; one person's are asked for when their turn comes, and so is what a damaged base part decides.
  if (parts.length > 1) {
    const offered = servicesOf(loadIntactPart(run.m.sys, "base"));
    await run.m.units(parts.flatMap((of) => unitsAsked(of, offered)));
  }
  await inTurn("account");
  const workers = ofKind("clones").map((of) => async (signals: WorkerSignals) => {
    outcomes.push(await convergePart(run, of, signals));
  });
  let units: Promise<void> | undefined;
  await runPool(workers, scaledForLoad(limits, loadavg()[0] ?? 0, cpus().length), () => {
    units = inTurn("units");
  });
  await units;
  return { outcomes, unrecorded: run.mode === "apply" ? recordOutcomes(run.m, outcomes) : undefined };
}

function unitsAsked(of: PersonPart, offered: HostServices): readonly string[] {
  if (of.kind === "clones") return [];
  if (of.kind === "account") return [userManagerOf(of.uid)];
  const { run, rest } = wantedUnits(of, offered);
  return [...run, ...rest, sliceOf(of.uid)];
}

/** @returns why they could not be recorded: a full disk must not hide them, and the run that made them fails */
export function recordOutcomes(m: Machine, outcomes: readonly Outcome[]): string | undefined {
  try {
    const versions = convergedVersions(m.sys);
    for (const outcome of outcomes) {
      recordFailure(m.sys, outcome.who, outcome.kind, "failed" in outcome ? outcome.failed : undefined);
      if (!("failed" in outcome)) versions.add(outcome.who, outcome.kind);
    }
    versions.save();
    return undefined;
  } catch (error) {
    return `how this run went could not be recorded: ${messageOf(error)}`;
  }
}

/** A damaged part is that person's failure, like any other. Parts under a name that somebody else's rename gave up wait. */
export function loadPeople(m: Machine): { readonly outcomes: FailedOutcome[]; readonly parts: readonly PersonPart[] } {
  const outcomes: FailedOutcome[] = [];
  const parts: PersonPart[] = [];
  for (const osUser of peopleOfParts(m.sys)) {
    for (const kind of PERSON_KINDS) {
      try {
        const of = loadPart(m.sys, kind, osUser);
        if (of !== undefined) parts.push(of);
      } catch (error) {
        outcomes.push({ who: osUser, kind, failed: messageOf(error) });
      }
    }
  }
  const givenUp = new Set(parts.flatMap((of) => (of.kind === "account" ? (of.formerNames ?? []) : [])));
  return { outcomes, parts: parts.filter(({ osUser }) => !givenUp.has(osUser)) };
}
