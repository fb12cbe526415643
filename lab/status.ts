/** Reports which servers and parts of a lab run at this moment. */
import { readdir } from "node:fs/promises";
import { findInstance, instanceName, isMounted } from "./instance.ts";
import { isAlive } from "./process/identity.ts";
import { readRecords } from "./process/record.ts";
import { duration } from "./log.ts";

export interface Status {
  readonly lab: string;
  readonly folder: string | null;
  /** True when the network namespace exists and every server that was started still runs. */
  readonly up: boolean;
  readonly address: string | null;
  readonly servers: readonly {
    readonly name: string;
    readonly pid: number;
    readonly running: boolean;
    readonly forMs: number;
  }[];
  /** Names of the parts whose facts are there. */
  readonly parts: readonly string[];
}

/** Looks and changes nothing. */
export async function status(): Promise<Status> {
  const lab = instanceName();
  const instance = await findInstance(lab);
  if (instance === undefined) return { lab, folder: null, up: false, address: null, servers: [], parts: [] };
  const servers = await Promise.all(
    (await readRecords(instance)).map(async (record) => ({
      name: record.name,
      pid: record.pid,
      running: await isAlive(record),
      forMs: Date.now() - record.startedAtMs,
    })),
  );
  const facts = await readdir(instance.path("facts")).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  const parts = facts.filter((file) => file.endsWith(".json")).map((file) => file.slice(0, -".json".length));
  const networked = await isMounted(instance.netnsPath);
  const allRun = servers.length > 0 && servers.every(({ running }) => running);
  return {
    lab,
    folder: instance.dir,
    up: networked && allRun,
    address: networked ? instance.address.lab : null,
    servers,
    parts,
  };
}

/** The same for people. */
export function describe(found: Status): string {
  if (found.folder === null) return `There is no lab "${found.lab}". Start one: make up`;
  const head = `The lab "${found.lab}" is ${found.up ? `up at ${found.address}` : "down"}. Its folder: ${found.folder}`;
  const width = Math.max(0, ...found.servers.map(({ name }) => name.length));
  const lines = found.servers.map(({ name, pid, running, forMs }) => {
    const state = running ? `runs as process ${pid} for ${duration(forMs)}` : "has ended; see its log, then: make up";
    return `  ${name.padEnd(width)}  ${state}`;
  });
  return [head, ...lines].join("\n");
}
