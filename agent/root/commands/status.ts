/**
 * Implements `workstation status [--json]`: reports what this host holds, from root's own files and systemd. It changes
 * nothing.
 */

import { info } from "../../lib/log.ts";
import { machineOf, type UnitState } from "../system/cached-accounts-and-units.ts";
import { deliveredPeople, problemsOfHost, problemsOfPeople, unrecorded } from "./find-problems.ts";
import { sliceOf } from "../services/limits-in-effect.ts";
import { dryRun } from "../system/dry-run.ts";
import { describeProgram, lookForPrograms, type ProgramStatus } from "../host/look-for-programs.ts";
import { unitsOf } from "../services/unit-names.ts";
import { loadIntactPart } from "../state/stored-parts.ts";
import { hasOffboarding } from "../state/offboarding-records.ts";
import { readDeliveredAt, readHold } from "../state/deliveries.ts";
import { readFailures } from "../state/failures.ts";
import { readHostFailures } from "../state/host-failures.ts";
import { damageOfLedger, type HostLedger, readLedger } from "../state/host-ledger.ts";
import type { System } from "../system/privileged-operations.ts";
import { readPendingRemote } from "../state/pending-remotes.ts";

export interface PersonStatus {
  readonly osUser: string;
  readonly uid: number | undefined;
  readonly state: "present" | "parked" | "left";
  readonly account: "missing" | "open" | "cut";
  readonly ports: { readonly t3: number; readonly browser: number } | undefined;
  /** Unit name to its active state in systemd. */
  readonly units: Readonly<Record<string, string>>;
  /** A remote did not answer in time, and what it owes is tried in the background: since when, ISO 8601 in UTC. */
  readonly unfinished?: string;
  /** Kind of part to the reason. */
  readonly failures: Readonly<Record<string, string>>;
  /** What is wrong now, whatever the last run recorded. */
  readonly problems: readonly string[];
}

export interface HostStatus {
  readonly host: string | undefined;
  /** When the last delivery ended, ISO 8601 in UTC. */
  readonly delivered: string | undefined;
  readonly hold: string | undefined;
  /** Steps of the host's own parts that failed in the last run. */
  readonly failures: readonly string[];
  /** What is wrong with the host itself now. */
  readonly problems: readonly string[];
  /** Programs that people need and that no delivery brings. */
  readonly programs: readonly ProgramStatus[];
  readonly people: readonly PersonStatus[];
}

export async function readStatus(system: System): Promise<HostStatus> {
  const m = machineOf(dryRun(system));
  const delivered = deliveredPeople(m);
  const unitsToQuery = delivered.flatMap(({ osUser, units: of }) => [
    ...unitsOf(osUser),
    ...(of === undefined ? [] : [sliceOf(of.uid)]),
  ]);
  const units: ReadonlyMap<string, UnitState> = unitsToQuery.length === 0 ? new Map() : await m.units(unitsToQuery);
  const problems = await problemsOfPeople(m, delivered);
  const ledger: HostLedger = damageOfLedger(m.sys) === undefined ? readLedger(m.sys) : new Map();
  const failures = readFailures(m.sys);
  const atMs = readDeliveredAt(m.sys);
  const people = delivered.map(({ osUser, account, units: part }): PersonStatus => {
    const late = readPendingRemote(m.sys, osUser);
    const exists = m.accounts().users.has(osUser);
    const unitNames = unitsOf(osUser).map((unit) => [unit, units.get(unit)?.active ?? "unknown"] as const);
    return {
      osUser,
      uid: ledger.get(osUser)?.uid,
      state: account?.state === "left" ? "left" : (part?.state ?? "present"),
      account: !exists ? "missing" : hasOffboarding(m.sys, osUser) ? "cut" : "open",
      ports: part?.ports,
      units: Object.fromEntries(unitNames),
      ...(late === undefined ? {} : { unfinished: new Date(late.sinceMs).toISOString() }),
      failures: Object.fromEntries(failures.get(osUser) ?? []),
      problems: unrecorded(problems.get(osUser) ?? [], [...(failures.get(osUser)?.values() ?? [])]),
    };
  });
  const base = loadIntactPart(m.sys, "base");
  const hostFailures = readHostFailures(m.sys);
  return {
    host: base?.host,
    delivered: atMs === undefined ? undefined : new Date(atMs).toISOString(),
    hold: readHold(m.sys),
    failures: hostFailures,
    problems: unrecorded(await problemsOfHost(m), hostFailures),
    programs: base === undefined ? [] : await lookForPrograms(m, base),
    people,
  };
}

const isWrong = ({ failures, problems, people }: HostStatus): boolean =>
  failures.length > 0 ||
  problems.length > 0 ||
  people.some((person) => Object.keys(person.failures).length > 0 || person.problems.length > 0);

/** Exit code 1 when anything is wrong with the host or with anybody on it. */
export async function status(system: System, json: boolean): Promise<number> {
  const found = await readStatus(system);
  const code = isWrong(found) ? 1 : 0;
  if (json) {
    process.stdout.write(`${JSON.stringify(found)}\n`);
    return code;
  }
  info(
    `host ${found.host ?? "(nothing delivered yet)"}, last delivery ${found.delivered ?? "never"}${found.hold === undefined ? "" : ", on hold"}`,
  );
  const rows = found.people.map((p) => {
    const short = Object.entries(p.units).map(([name, state]) => `${name.replace(/@.*/, "")} ${state}`);
    const failed = Object.entries(p.failures).map(([kind, why]) => `FAILED ${kind}: ${why}`);
    const late = p.unfinished === undefined ? [] : [`waiting for a remote since ${p.unfinished}`];
    return [
      p.osUser,
      String(p.uid ?? "-"),
      p.state,
      p.account,
      p.ports === undefined ? "-" : `${p.ports.t3}/${p.ports.browser}`,
      [...short, ...late, ...failed, ...p.problems.map((what) => `PROBLEM ${what}`)].join(", "),
    ];
  });
  for (const row of table([["person", "uid", "state", "account", "ports", "units"], ...rows])) info(row);
  for (const program of found.programs) info(describeProgram(program));
  for (const why of found.failures) info(`FAILED ${why}`);
  for (const what of found.problems) info(`PROBLEM ${what}`);
  return code;
}

function table(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => (row[at] ?? "").length)));
  return rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
