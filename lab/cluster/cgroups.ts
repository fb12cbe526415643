/** Finds and removes the cgroups of an instance's containers: their processes belong to the lab and end with it. */
import { readdir, readFile, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { readIfThere } from "../read-optional.ts";
import type { Instance } from "../instance.ts";
import { lookUp, signal, waitUntilGone } from "../process/identity.ts";

/** Where the machine's cgroup hierarchies are mounted: one for all (version 2), or one for each controller. */
export async function cgroupRoots(): Promise<string[]> {
  const lines = (await readFile("/proc/mounts", "utf8")).split("\n").map((line) => line.split(" "));
  return lines.flatMap(([, at, type]) => (at !== undefined && (type === "cgroup" || type === "cgroup2") ? [at] : []));
}

/** Kills every container process of the instance and removes its cgroups. Safe to repeat. */
export async function removeContainers(instance: Instance): Promise<void> {
  for (const root of await cgroupRoots()) {
    const groups = await groupsBelow(join(root, instance.netns));
    for (const group of groups) await killMembers(group);
    for (const group of groups.reverse()) await rmdir(group);
  }
}

/** The group and all below it, outer ones first; none where it does not exist. */
async function groupsBelow(group: string): Promise<string[]> {
  if ((await readIfThere(join(group, "cgroup.procs"))) === undefined) return [];
  const inner = (await readdir(group, { withFileTypes: true })).filter((entry) => entry.isDirectory());
  return [group, ...(await Promise.all(inner.map(({ name }) => groupsBelow(join(group, name))))).flat()];
}

async function killMembers(group: string): Promise<void> {
  const pids = ((await readIfThere(join(group, "cgroup.procs"))) ?? "").split("\n").filter((line) => line !== "");
  for (const pid of pids.map(Number)) {
    const member = await lookUp(pid);
    if (member === undefined) continue;
    await signal(member, "SIGKILL");
    await waitUntilGone(member, 5_000);
  }
}
