/**
 * Implements `workstation-facts <user>` and `workstation-facts --everybody`: prints as JSON what the user portal shows.
 */

import { Refusal, messageOf } from "../../lib/errors.ts";
import { assertRoot } from "../system/assert-root.ts";
import type { User } from "../system/account-database.ts";
import { queryWorker } from "../system/query-worker.ts";
import { type Machine, machineOf } from "../system/cached-accounts-and-units.ts";
import { dryRun } from "../system/dry-run.ts";
import { servicesOfHost } from "../services/host-services.ts";
import { BROWSER_UNIT, instance, T3_UNIT } from "../services/unit-names.ts";
import { realSystem } from "../system/privileged-operations.ts";
import { forEachPerson, knownPeople, knownPerson } from "../accounts/terminal-users.ts";
import { type FactsAnswer, NOT_OFFERED, type Report, ownFacts } from "../../shared/facts/facts-schemas.ts";
import { collectFacts } from "./collect-facts.ts";
import { taskOf } from "./publish-facts.ts";

/** Git may have to wait for a disk; it never waits for a network here. */
const DEADLINE_MS = 20_000;

/** @returns the exit code. @throws Refusal for somebody who is not in the terminal map. */
export async function factsCommand(argv: readonly string[]): Promise<number> {
  assertRoot("workstation-facts");
  const [who, ...rest] = argv;
  if (who === undefined || rest.length > 0) throw new Refusal("usage: workstation-facts <os_user> | --everybody");
  const m = machineOf(dryRun(realSystem));
  const isBoard = who === "--everybody";
  const users = isBoard ? knownPeople(m.sys) : [knownPerson(m.sys, who)];
  await m.units(users.flatMap(({ name }) => unitsOfServers(name)));
  const people = await forEachPerson(users, (user) => reportOf(m, user, isBoard ? 1 : undefined), messageOf);
  const answer: FactsAnswer = { people: [...people] };
  process.stdout.write(`${JSON.stringify(answer)}\n`);
  return 0;
}

const unitsOfServers = (osUser: string): readonly [string, string] => [
  instance(T3_UNIT, osUser),
  instance(BROWSER_UNIT, osUser),
];

/** @param records how many of their saved records are looked at; all that are offered when absent */
async function reportOf(m: Machine, user: User, records: number | undefined): Promise<Report> {
  const [t3, browser] = unitsOfServers(user.name);
  const states = await m.units([t3, browser]);
  const offered = servicesOfHost(m);
  const active = (unit: string) => states.get(unit)?.active ?? "unknown";
  return {
    known: collectFacts(m.sys, user.name),
    services: {
      t3: offered.t3 ? active(t3) : NOT_OFFERED,
      browser: offered.browser ? active(browser) : NOT_OFFERED,
    },
    now: await lookedAt(m, user, records),
  };
}

/** What only they can see. Their worker's failure hides nothing of what root knows. */
async function lookedAt(m: Machine, user: User, records: number | undefined): Promise<Report["now"]> {
  try {
    const task = taskOf(m.sys, user, records);
    return await queryWorker(m.sys, { user, worker: "facts-worker", task, deadlineMs: DEADLINE_MS }, ownFacts);
  } catch (error) {
    return { failed: messageOf(error) };
  }
}
