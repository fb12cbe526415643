/** Keeps the record of each server that an instance started, so that another run can recognise, judge and stop it. */
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { z } from "zod";
import { replaceFile } from "../replace-file.ts";
import { readIfThere } from "../read-optional.ts";
import type { Instance } from "../instance.ts";
import type { ServerSpec } from "./server-spec.ts";

const record = z.strictObject({
  name: z.string(),
  pid: z.int(),
  startTicks: z.string(),
  boot: z.string(),
  /** Counts up within the instance: servers are stopped in the reverse of it. */
  order: z.int(),
  /** Milliseconds since 1970. */
  startedAtMs: z.int(),
  /** Hash of what was asked for; another one means that the server has to be started anew. */
  fingerprint: z.string(),
  stopSignal: z.union([z.string(), z.int()]),
  stopWithinMs: z.int(),
});
export type ServerRecord = z.output<typeof record>;

/** The folder of the records and of the locks beside them; made when it is missing. */
export async function recordFolder(instance: Instance): Promise<string> {
  const dir = instance.path("run");
  await mkdir(dir, { recursive: true, mode: 0o700 });
  return dir;
}

export async function readRecord(instance: Instance, name: string): Promise<ServerRecord | undefined> {
  const text = await readIfThere(instance.path("run", `${name}.json`));
  return text === undefined ? undefined : record.parse(JSON.parse(text));
}

/** All records in the order in which the servers were started. */
export async function readRecords(instance: Instance): Promise<ServerRecord[]> {
  const files = (await readdir(await recordFolder(instance))).filter((file) => file.endsWith(".json"));
  const records = await Promise.all(files.map((file) => readRecord(instance, file.slice(0, -".json".length))));
  return records.filter((entry) => entry !== undefined).sort((a, b) => a.order - b.order);
}

export async function writeRecord(instance: Instance, value: ServerRecord): Promise<void> {
  const path = instance.path("run", `${value.name}.json`);
  await replaceFile(path, `${JSON.stringify(value)}\n`, 0o600);
}

export async function removeRecord(instance: Instance, name: string): Promise<void> {
  await rm(instance.path("run", `${name}.json`), { force: true });
}

/** Equal for two descriptions that start the same server. */
export async function fingerprintOf(spec: ServerSpec): Promise<string> {
  const { argv, env = {}, cwd, user, network } = spec;
  const texts = await Promise.all((spec.reads ?? []).map((path) => readFile(path, "utf8")));
  const fingerprint = JSON.stringify([
    argv,
    Object.entries(env).sort(),
    cwd ?? "",
    user ?? {},
    network ?? "lab",
    texts,
  ]);
  return createHash("sha256").update(fingerprint).digest("hex").slice(0, 16);
}
