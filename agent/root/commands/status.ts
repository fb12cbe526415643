/**
 * Implements `workstation status [--json]`: reports what this host holds, from root's own files and systemd. It changes
 * nothing.
 */

import { info } from "../../lib/log.ts";
import { machineOf } from "../system/cached-machine.ts";
import { dryRun } from "../system/dry-run.ts";
import { unitsOf } from "../services/unit-names.ts";
import { loadPart, peopleOfParts } from "../state/parts.ts";
import { readOffboarding } from "../state/offboarding-records.ts";
import { readDeliveredAt, readHold } from "../state/deliveries.ts";
import { readFailures } from "../state/failures.ts";
import { readLedger } from "../state/host-ledger.ts";
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
}

export interface HostStatus {
  readonly host: string | undefined;
  /** When the last delivery ended, ISO 8601 in UTC. */
  readonly delivered: string | undefined;
  readonly hold: string | undefined;
  readonly people: readonly PersonStatus[];
}

export async function readStatus(system: System): Promise<HostStatus> {
  const m = machineOf(dryRun(system));
  const names = peopleOfParts(m.sys);
  const units = names.length === 0 ? new Map() : await m.units(names.flatMap(unitsOf));
  const ledger = readLedger(m.sys);
  const failures = readFailures(m.sys);
  const atMs = readDeliveredAt(m.sys);
  const people = names.map((osUser): PersonStatus => {
    const part = loadPart(m.sys, "units", osUser);
    const account = loadPart(m.sys, "account", osUser);
    const late = readPendingRemote(m.sys, osUser);
    const exists = m.accounts().users.has(osUser);
    const unitNames = unitsOf(osUser).map((unit) => [unit, units.get(unit)?.active ?? "unknown"] as const);
    return {
      osUser,
      uid: ledger.get(osUser)?.uid,
      state: account?.state === "left" ? "left" : (part?.state ?? "present"),
      account: !exists ? "missing" : readOffboarding(m.sys, osUser) === undefined ? "open" : "cut",
      ports: part?.ports,
      units: Object.fromEntries(unitNames),
      ...(late === undefined ? {} : { unfinished: new Date(late.sinceMs).toISOString() }),
      failures: Object.fromEntries(failures.get(osUser) ?? []),
    };
  });
  const delivered = atMs === undefined ? undefined : new Date(atMs).toISOString();
  return { host: loadPart(m.sys, "base")?.host, delivered, hold: readHold(m.sys), people };
}

export async function status(system: System, json: boolean): Promise<number> {
  const found = await readStatus(system);
  if (json) {
    process.stdout.write(`${JSON.stringify(found)}\n`);
    return 0;
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
      [...short, ...late, ...failed].join(", "),
    ];
  });
  for (const row of table([["person", "uid", "state", "account", "ports", "units"], ...rows])) info(row);
  return 0;
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
