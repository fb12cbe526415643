/** Implements `workstation reconcile --check --json`: prints what a run would change, what failed and what it warns of, each in a list. */

import { clean } from "../../lib/log.ts";
import type { HostCheck, HostCheckEntry } from "../../shared/host-check.ts";
import type { System } from "../system/privileged-operations.ts";
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
  const isDue = (line: string) => expired.has(entryOf(line).who) || isDueToExpiry(line);
  return {
    changes: lines.filter((line) => !isDue(line)).map(entryOf),
    due: [...lines.filter(isDue), ...failed.filter((line) => held.has(line))].map(entryOf),
    failures: failed.filter((line) => !held.has(line)).map(entryOf),
    warnings: warned.map(entryOf).map(({ who, what }) => ({ who, what: what.replace(/^warning: /, "") })),
  };
}

/** Each sentence begins with a person's name, or with `host`. */
function entryOf(line: string): HostCheckEntry {
  const at = line.indexOf(": ");
  return { who: line.slice(0, at), what: clean(line.slice(at + 2)) };
}
