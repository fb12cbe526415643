/** Takes a lab down, whatever became of the run that started it: processes, containers, mounts, namespace, uplink. */
import { rm } from "node:fs/promises";
import { closeNetwork, findInstance, type Instance, instanceName, mountPoints, requireRoot } from "./instance.ts";
import { withLock } from "./lock.ts";
import { PARTS } from "./parts.ts";
import { stopServers } from "./process/stop.ts";
import { run } from "./run.ts";
import { duration, log } from "./log.ts";

/** Ends the lab that `WS_LAB` names. Its folder stays, so that it comes up again as it was; `purge` removes that too. */
export async function down(options: { readonly purge: boolean }): Promise<void> {
  requireRoot();
  const name = instanceName();
  const instance = await findInstance(name);
  if (instance === undefined) return log(`There is no lab "${name}": nothing to do.`);
  const startedMs = Date.now();
  const lock = {
    what: `stopping the lab "${name}"`,
    withinMs: 600_000,
    onWait: (holder: string) => log(`Waiting for ${holder}`),
  };
  await withLock(instance.path(".lock"), lock, () => endAll(instance));
  if (options.purge) await rm(instance.dir, { recursive: true });
  log(
    `The lab "${name}" is down${options.purge ? " and its folder removed" : ""}, after ${duration(Date.now() - startedMs)}.`,
  );
}

async function endAll(instance: Instance): Promise<void> {
  await stopServers(instance);
  for (const part of PARTS) await part.clean?.(instance);
  await unmountAll(instance);
  await closeNetwork(instance);
  await rm(instance.path("facts"), { recursive: true, force: true });
}

/** What was mounted last is unmounted first. A mount that is still in use is let go when its last user is. */
async function unmountAll(instance: Instance): Promise<void> {
  const ours = (await mountPoints()).filter((point) => point.startsWith(`${instance.dir}/`));
  for (const point of ours.reverse()) await run(["umount", point]).catch(() => run(["umount", "--lazy", point]));
}
