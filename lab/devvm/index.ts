/**
 * Starts the lab's DevVMs: Debian with systemd and sshd in a container, one or several an instance, for the program and
 * for tests.
 */
import { rm } from "node:fs/promises";
import type { Instance } from "../instance.ts";
import { stopServer } from "../process/stop.ts";
import type { Ran } from "../run.ts";
import { cleanUpDevVms } from "./remove-leftovers.ts";
import { type DevVmFacts, factsOfDevVm, FIRST } from "./facts.ts";
import { boot, dropWrites, initPid } from "./machine.ts";
import { type MachinePaths, machinePaths } from "./addresses.ts";
import { type DebianBase, preparedBase } from "./packages.ts";
import { type SshCommand, type SshOptions, ssh } from "./ssh.ts";

export { cleanUpDevVms } from "./remove-leftovers.ts";
export { bareBase, type DebianBase } from "./packages.ts";
export { type DevVmFacts, factsOfDevVm } from "./facts.ts";
export { type SshCommand, type SshOptions, sshArgv } from "./ssh.ts";

/** One DevVM. Every method throws `LabError` with a sentence when it fails. */
export interface DevVm extends DevVmFacts {
  /** Runs a script or an argv on it, as root unless `as` names somebody. */
  ssh(command: SshCommand, options?: SshOptions): Promise<Ran>;
  /** Stops and boots it; everything on its disk stays. */
  reboot(): Promise<void>;
  /** Shuts it down as a person would; its disk stays. */
  stop(): Promise<void>;
  /** Boots it again after `stop`; nothing happens when it runs. */
  start(): Promise<void>;
  /** Boots it as it was when it was new; its host key and address stay. */
  reset(): Promise<void>;
  /** Stops it and takes away all that it left: its disk, its host key, its facts, and what the host held for it. */
  remove(): Promise<void>;
  /** The pid of its init on the host, for looks through `/proc/<pid>/root`. Another one after each boot. */
  pid(): Promise<number>;
}

/**
 * Brings a DevVM of the instance up and answers when its systemd is `running`. One that runs stays as it is. A second one
 * of the same instance takes another name and another index (0 to 62).
 */
export async function startDevVm(
  instance: Instance,
  name: string = FIRST,
  index = 0,
  base: DebianBase = preparedBase(),
): Promise<DevVm> {
  const paths = machinePaths(instance, name, index);
  const facts = await boot(instance, paths, base);
  await factsOfDevVm(name).write(instance, facts);
  return devVm(instance, paths, facts, base);
}

/** A DevVM that was started before, perhaps by another process. Throws `LabError` when it never was. */
export async function findDevVm(instance: Instance, name: string = FIRST): Promise<DevVm> {
  const facts = await factsOfDevVm(name).read(instance);
  return devVm(instance, machinePaths(instance, name, facts.index), facts, preparedBase());
}

function devVm(instance: Instance, paths: MachinePaths, facts: DevVmFacts, base: DebianBase): DevVm {
  const start = async () => {
    await boot(instance, paths, base);
  };
  const stop = () => stopServer(instance, paths.name);
  return {
    ...facts,
    ssh: (command, options) => ssh(facts, command, options),
    start,
    stop,
    async reboot() {
      await stop();
      await start();
    },
    async reset() {
      await stop();
      await dropWrites(paths);
      await start();
    },
    async remove() {
      await stop();
      await cleanUpDevVms(instance, paths.name);
      await factsOfDevVm(paths.name).forget(instance);
      await rm(paths.dir, { recursive: true });
    },
    pid: () => initPid(instance, paths),
  };
}
