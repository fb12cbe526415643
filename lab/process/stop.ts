/** Ends servers: politely first, firmly after their time is up, the last started first. */
import type { Instance } from "../instance.ts";
import { log } from "../log.ts";
import {
  allProcesses,
  environmentOf,
  isAlive,
  type ProcessFacts,
  type ProcessId,
  signal,
  waitUntilGone,
} from "./identity.ts";
import { readRecord, readRecords, removeRecord, type ServerRecord } from "./record.ts";

/** Names of the variables that mark a server and all that it starts, so that no record is needed to recognise them. */
export const MARK = { instance: "WORKSTATIONS_LAB", server: "WORKSTATIONS_LAB_SERVER" } as const;

/** Ends one server, if it runs. */
export async function stopServer(instance: Instance, name: string): Promise<void> {
  const recorded = await readRecord(instance, name);
  if (recorded !== undefined) await endRecorded(instance, recorded);
}

/** Ends every server of the instance in reverse order of start, then whatever else of it still runs. */
export async function stopServers(instance: Instance): Promise<void> {
  for (const recorded of (await readRecords(instance)).reverse()) await endRecorded(instance, recorded);
  await killLeftovers(instance);
}

/**
 * Kills what carries the instance's mark, with all its descendants: what a killed run never recorded, and what servers
 * left behind (containers). Collected before the first kill, since an orphan no longer tells whose it was.
 */
export async function killLeftovers(instance: Instance): Promise<void> {
  const leftovers = await leftoversOf(instance);
  await Promise.all(leftovers.map((process) => signal(process, "SIGKILL")));
  await Promise.all(leftovers.map((process) => waitUntilGone(process, 5_000)));
}

/** Kills processes that were started as this server and have no record: their starter was killed in between. */
export async function killUnrecorded(instance: Instance, name: string): Promise<void> {
  for (const process of await allProcesses()) {
    if (process.session !== process.pid || process.zombie) continue;
    const env = await environmentOf(process.pid);
    if (env.get(MARK.instance) !== instance.dir || env.get(MARK.server) !== name) continue;
    log(`${name}: process ${process.pid} is left over from a run that was killed; it is ended`);
    await endFirmly(process);
  }
}

async function endRecorded(instance: Instance, recorded: ServerRecord): Promise<void> {
  if (await isAlive(recorded)) {
    await signal(recorded, recorded.stopSignal as NodeJS.Signals | number);
    if (!(await waitUntilGone(recorded, recorded.stopWithinMs))) await endFirmly(recorded);
  }
  await removeRecord(instance, recorded.name);
}

/** Each server leads a process group of its own, so its helpers go with it. */
async function endFirmly(id: ProcessId): Promise<void> {
  await signal(id, "SIGKILL", true);
  await waitUntilGone(id, 5_000);
}

async function leftoversOf(instance: Instance): Promise<ProcessFacts[]> {
  const all = (await allProcesses()).filter((facts) => !facts.zombie);
  const marked = await Promise.all(
    all.map(async ({ pid }) => (await environmentOf(pid)).get(MARK.instance) === instance.dir),
  );
  const ours = new Set(all.filter((_, index) => marked[index]).map(({ pid }) => pid));
  for (let before = -1; before !== ours.size; ) {
    before = ours.size;
    for (const { pid, parent } of all) if (ours.has(parent)) ours.add(pid);
  }
  ours.delete(process.pid);
  return all.filter(({ pid }) => ours.has(pid));
}
