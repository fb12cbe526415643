/** `workstation reconcile --check --json`: what a run over the whole host would change, what failed, and what it warns of, apart. */

import type { HostCheck, HostCheckEntry } from "../host-check.ts";
import { clean } from "../say.ts";
import { convergeAll } from "./reconcile.ts";
import type { System } from "./system.ts";

/** @returns 0 in any case: the answer says what was found */
export async function printCheck(door: System, nowMs: number, failpoint: string | undefined): Promise<number> {
  process.stdout.write(`${JSON.stringify(await checkHost(door, nowMs, failpoint))}\n`);
  return 0;
}

/** Changes nothing. Exported for the tests. */
export async function checkHost(door: System, nowMs: number, failpoint: string | undefined): Promise<HostCheck> {
  const said: string[] = [];
  const warned: string[] = [];
  const { failed, expired, isOnlyOfNow } = await convergeAll(door, {
    ...{ mode: "check", nowMs, failpoint },
    say: (line) => said.push(line),
    warn: (line) => warned.push(line),
  });
  const isDue = (line: string) => expired.has(entryOf(line).who) || isOnlyOfNow(line);
  return {
    changes: said.filter((line) => !isDue(line)).map(entryOf),
    due: said.filter(isDue).map(entryOf),
    failures: failed.map(entryOf),
    warnings: warned.map(entryOf).map(({ who, what }) => ({ who, what: what.replace(/^warning: /, "") })),
  };
}

/** Each sentence begins with a person's name, or with `host`. */
function entryOf(line: string): HostCheckEntry {
  const at = line.indexOf(": ");
  return { who: line.slice(0, at), what: clean(line.slice(at + 2)) };
}
