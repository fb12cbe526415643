/** `workstation apply <kind> <name>`: takes one delivered part, keeps it, and brings it about. */

import { CONTRACT, type Part, part } from "../contract.ts";
import { Refusal, tell } from "../refusal.ts";
import { say, warn } from "../say.ts";
import { converge } from "../step.ts";
import { brakeMaps, deliveryAllowance } from "./brakes.ts";
import { applyCredentials } from "./credentials.ts";
import { type Machine, machineOf } from "./machine.ts";
import { addToDelivery } from "./delivery.ts";
import { convergePeople, WORKER_DEADLINE_MS } from "./people.ts";
import type { PersonRun } from "./person.ts";
import { baseSteps } from "./steps/base.ts";
import { mapSteps } from "./steps/maps.ts";
import { jsonOf, loadPart, type PersonPart, storePart, where } from "./store.ts";
import type { System } from "./system.ts";
import type { Step } from "../step.ts";
import { HOURLY, type Patience } from "./together.ts";
import { forgetUnfinished } from "./unfinished.ts";

/**
 * Everybody else's commands wait for this one. What is not done in that time is tried again by `settle`, for everybody
 * together and for as long as the whole delivery took, and after that in the background.
 */
const ALONE: Patience = { ...HOURLY, leastMs: 5000, stopMs: 2000 };

/**
 * Exit code: 0 also when a person failed, since that is recorded and `settle` turns the run red.
 *
 * @throws Refusal for a part that is malformed, of another contract, or stopped by a brake: nothing has been changed then.
 */
export async function apply(
  door: System,
  kind: string,
  name: string,
  text: string,
  failpoint: string | undefined,
): Promise<number> {
  const delivered = parsePart(kind, name, text);
  const m = machineOf(door);
  if (delivered.kind === "base" || delivered.kind === "maps") return applyHost(m, delivered);
  if (delivered.kind === "credentials") return applyCredentials(m, delivered, failpoint);
  storePart(m.sys, delivered);
  // What is delivered anew may be what was wrong.
  if (delivered.kind === "clones") forgetUnfinished(m.sys, delivered.osUser);
  return applyPerson(m, delivered, failpoint);
}

/** @throws Refusal that names the place and not the content. */
export function parsePart(kind: string, name: string, text: string): Part {
  const value = jsonOf(text, `the part ${kind} ${name}`);
  const version = typeof value === "object" && value !== null && "contract" in value ? value.contract : undefined;
  if (version !== CONTRACT) {
    throw new Refusal(
      `the part ${kind} ${name} is of contract ${String(version)}, and this agent speaks ${CONTRACT}; deliver agent and parts together`,
    );
  }
  const parsed = part.safeParse(value);
  if (!parsed.success) throw new Refusal(`the part ${kind} ${name} is refused: ${where(parsed.error)}`);
  const inside = parsed.data.kind === "base" || parsed.data.kind === "maps" ? parsed.data.host : parsed.data.osUser;
  if (parsed.data.kind !== kind || inside !== name) {
    throw new Refusal(`the part ${kind} ${name} says inside that it is ${parsed.data.kind} ${inside}`);
  }
  return parsed.data;
}

async function applyHost(m: Machine, delivered: Extract<Part, { kind: "base" | "maps" }>): Promise<number> {
  if (delivered.kind === "maps") brakeMaps(loadPart(m.sys, "maps"), delivered);
  storePart(m.sys, delivered);
  const { changed, failed } = await convergeHost(m, delivered, "apply");
  for (const sentence of failed) warn(`host: ${sentence}`);
  if (changed === 0 && failed.length === 0) say("host: nothing to change");
  return failed.length > 0 ? 1 : 0;
}

export interface HostOutcome {
  readonly changed: number;
  readonly failed: readonly string[];
}

/** One step's failure does not keep the others from converging; all of them are told. */
export async function convergeHost(
  m: Machine,
  delivered: Extract<Part, { kind: "base" | "maps" }>,
  mode: "apply" | "check",
  print: (line: string) => void = say,
): Promise<HostOutcome> {
  const failed: string[] = [];
  let changed = 0;
  const attempt = async (make: () => Step) => {
    try {
      changed += await converge(make(), mode, (sentence) => print(`host: ${sentence}`));
    } catch (error) {
      failed.push(tell(error));
    }
  };
  if (delivered.kind === "base") for (const make of baseSteps(m, delivered)) await attempt(make);
  else {
    try {
      for (const step of mapSteps(m, delivered)) await attempt(() => step);
    } catch (error) {
      failed.push(tell(error));
    }
  }
  return { changed, failed };
}

/** Converges one person's stored part and remembers how it went. */
async function applyPerson(m: Machine, of: PersonPart, failpoint: string | undefined): Promise<number> {
  const run = deliveryRun(m, failpoint);
  for (const outcome of await convergePeople(run, [of], ALONE)) {
    if ("failed" in outcome) warn(`${of.osUser}: ${of.kind}: ${outcome.failed}`);
    else if (outcome.changed === 0) say(`${of.osUser}: nothing to change`);
  }
  addToDelivery(m.sys, performance.now());
  return 0;
}

/** How people are converged in a delivery: every worker is started. */
export const deliveryRun = (m: Machine, failpoint: string | undefined): PersonRun => ({
  m,
  mode: "apply",
  say,
  warn,
  allowance: deliveryAllowance(loadPart(m.sys, "maps")),
  workerDeadlineMs: WORKER_DEADLINE_MS,
  nowMs: Date.now(),
  failpoint,
  probing: () => false,
});
