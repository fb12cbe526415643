/** Removes from the host what ended DevVMs leave there, a killed one included; their folders stay. */
import { readdir, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Instance } from "../instance.ts";
import { machineSuffix } from "./addresses.ts";

/**
 * Of the one that is named, else of all of the instance. Their servers must have ended before. Safe to repeat; touches
 * nothing but what carries the instance's name.
 */
export async function cleanUpDevVms(instance: Instance, name?: string): Promise<void> {
  const suffix = machineSuffix(instance);
  const isOurs = (entry: string) => (name === undefined ? entry.endsWith(suffix) : entry === `${name}${suffix}`);
  for (const tree of CONTROL_GROUPS)
    for (const group of (await entriesOf(tree)).filter(isOurs)) await removeGroups(join(tree, group));
  for (const machine of (await entriesOf(PROPAGATED)).filter(isOurs)) await rmdir(join(PROPAGATED, machine));
  for (const dir of [PROPAGATED, `${NSPAWN}/locks`, NSPAWN]) await removeIfEmpty(dir);
}

/** Where control groups may be, by the host's generation of them. */
const CONTROL_GROUPS = ["/sys/fs/cgroup", "/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified"];
const NSPAWN = "/run/systemd/nspawn";
const PROPAGATED = `${NSPAWN}/propagate`;

/** Children first: a group's files are the kernel's own and go with it. One whose last process just died is busy a moment longer. */
async function removeGroups(group: string, deadline = Date.now() + 2_000): Promise<void> {
  const entries = await readdir(group, { withFileTypes: true });
  for (const entry of entries) if (entry.isDirectory()) await removeGroups(join(group, entry.name), deadline);
  try {
    await rmdir(group);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EBUSY" || Date.now() > deadline) throw error;
    await sleep(50);
    await removeGroups(group, deadline);
  }
}

async function removeIfEmpty(dir: string): Promise<void> {
  try {
    await rmdir(dir);
  } catch (error) {
    if (!["ENOENT", "ENOTEMPTY"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
  }
}

/** Nothing for a folder that is not there. */
async function entriesOf(dir: string): Promise<string[]> {
  try {
    return await readdir(dir);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
