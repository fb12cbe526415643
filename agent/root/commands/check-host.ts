/**
 * Implements `workstation reconcile --check --json`: prints what a run would change, what failed or is wrong now, and what it
 * warns of, each in a list.
 */

import { clean } from "../../lib/log.ts";
import type { HostCheck, HostCheckEntry } from "../../shared/host-check.ts";
import { machineOf } from "../system/cached-accounts-and-units.ts";
import { dryRun } from "../system/dry-run.ts";
import type { System } from "../system/privileged-operations.ts";
import { deliveredPeople, problemsOfHost, problemsOfPeople, unrecorded } from "./find-problems.ts";
import { convergeAll } from "./reconcile.ts";

/** @returns 0 in any case: the answer says what was found */
export async function printCheck(system: System, nowMs: number, failpoint: string | undefined): Promise<number> {
  process.stdout.write(`${JSON.stringify(await checkHost(system, nowMs, failpoint))}\n`);
  return 0;
}

/** Changes nothing. Exported for the tests. */
export async function checkHost(system: System, nowMs: number, failpoint: string | undefined): Promise<HostCheck> {
  const lines: string[] = [];
  const warned: string[] = [];
  const { failed, expired, isDueToExpiry, held } = await convergeAll(system, {
    ...{ mode: "check", nowMs, failpoint },
    info: (line) => lines.push(line),
    warn: (line) => warned.push(line),
  });
  const failures = failed.filter((line) => !held.has(line)).map(entryOf);
  const isDue = (line: string) => expired.has(entryOf(line).who) || isDueToExpiry(line);
  return {
    changes: lines.filter((line) => !isDue(line)).map(entryOf),
    due: [...lines.filter(isDue), ...failed.filter((line) => held.has(line))].map(entryOf),
    failures: [...failures, ...(await problems(system, failures))],
    warnings: warned.map(entryOf).map(({ who, what }) => ({ who, what: what.replace(/^warning: /, "") })),
  };
}

/** What no run changes, and `workstation status` names too. */
async function problems(system: System, failures: readonly HostCheckEntry[]): Promise<readonly HostCheckEntry[]> {
  const m = machineOf(dryRun(system));
  const found = [["host", await problemsOfHost(m)] as const, ...(await problemsOfPeople(m, deliveredPeople(m)))];
  return found.flatMap(([who, sentences]) => {
    const told = failures.filter((failure) => failure.who === who).map(({ what }) => what);
    return unrecorded(sentences, told).map((what) => ({ who, what: clean(what) }));
  });
}

/** Each sentence begins with a person's name, or with `host`. */
function entryOf(line: string): HostCheckEntry {
  const at = line.indexOf(": ");
  return { who: line.slice(0, at), what: clean(line.slice(at + 2)) };
}
