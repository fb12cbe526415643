/** Brings a lab up: packages, tools, and its parts side by side; ends with how long each took. */
import { findInstance, type Instance, instanceName, openInstance, requireRoot } from "./instance.ts";
import { LabError } from "./lab-error.ts";
import { withLock } from "./lock.ts";
import { installPackages } from "./packages.ts";
import { PARTS, type Part } from "./parts.ts";
import { duration, log } from "./log.ts";
import { keepKind, kindOf } from "./plugins/kind.ts";
import { openToolchain, type Toolchain } from "./toolchain/index.ts";
import { LAB_TOOLS, toolsFor } from "./toolchain/tools.ts";
import { describeUp, planUp } from "./up-plan.ts";

/** Starts every part. Throws `LabError` naming each part that did not come up; the others stay up. */
export async function up(options: { readonly withPeople: boolean }): Promise<Instance> {
  requireRoot();
  const startedMs = Date.now();
  const tools = toolsFor(await kindOf(await findInstance(instanceName())), LAB_TOOLS);
  log(describeUp(await planUp(instanceName(), tools, options.withPeople)));
  await installPackages();
  const instance = await openInstance(instanceName());
  await keepKind(instance);
  const onWait = (holder: string) => log(`Waiting for another run: ${holder}`);
  const lock = { what: `starting the lab "${instance.name}"`, withinMs: 3_600_000, onWait };
  await withLock(instance.path(".lock"), lock, () => startParts(instance, openToolchain(tools), PARTS));
  log(`The lab "${instance.name}" is up after ${duration(Date.now() - startedMs)}.`);
  return instance;
}

/** Starts parts side by side, each when what it needs is up. */
export async function startParts(instance: Instance, tools: Toolchain, parts: readonly Part[]): Promise<void> {
  const running = new Map<string, Promise<void>>();
  const start = (part: Part): Promise<void> => {
    const inProgress = running.get(part.name);
    if (inProgress !== undefined) return inProgress;
    const needed = parts.filter(({ name }) => part.needs.includes(name)).map(start);
    const mine = Promise.all(needed).then(() => timed(part.name, () => part.start(instance, tools)));
    running.set(part.name, mine);
    return mine;
  };
  const outcomes = await Promise.allSettled(parts.map(start));
  const failures = new Set(
    outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason as unknown] : [])),
  );
  const [first] = failures;
  if (failures.size === 0) return;
  if (![...failures].every((failure) => failure instanceof LabError)) throw first;
  throw new LabError([...failures].map((failure) => (failure as LabError).message).join("\n\n"), { cause: first });
}

async function timed(name: string, action: () => Promise<void>): Promise<void> {
  const startedMs = Date.now();
  await action();
  log(`${name}: up in ${duration(Date.now() - startedMs)}`);
}
