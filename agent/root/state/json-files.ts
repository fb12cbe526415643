/** Reads and writes root's own JSON files below `/var/lib/workstation`, validated by a schema. */

import type { z } from "zod";
import { Refusal } from "../../lib/errors.ts";
import { describeIssues, parseJsonOrUndefined } from "../../lib/parse-json.ts";
import type { System } from "../system/privileged-operations.ts";

export const STATE = "/var/lib/workstation";

/** Replaces one of root's own files below `STATE`, closed to everybody else. */
export function writeJson(sys: System, path: string, value: unknown): void {
  sys.makeDirectory(STATE, 0o700);
  const directory = path.slice(0, path.lastIndexOf("/"));
  if (directory !== STATE) sys.makeDirectory(directory, 0o700);
  sys.replaceFile(path, { bytes: `${JSON.stringify(value)}\n`, mode: 0o600 });
}

interface Parsed {
  readonly bytes: Buffer;
  readonly schema: z.ZodType;
  readonly data: unknown;
}

/** What each file held when it was last parsed: a run for many people reads the ledger and the base part many times. */
const parsedOf = new WeakMap<System, Map<string, Parsed>>();

/**
 * The file is read each time, and parsed again when it has changed; what is returned is shared, so nobody changes it.
 *
 * @param remedy what repairs a damaged file
 * @throws Refusal for a file that is damaged: unknown is not absent.
 */
export function readJson<T>(
  sys: System,
  path: string,
  schema: z.ZodType<T>,
  remedy = "restore it from a backup",
): T | undefined {
  const bytes = sys.read(path);
  if (bytes === undefined) return undefined;
  const before = parsedOf.get(sys)?.get(path);
  if (before?.schema === schema && before.bytes.equals(bytes)) return before.data as T;
  const value = parseJsonOrUndefined(bytes.toString("utf8"));
  if (value === undefined) throw new Refusal(`${path} is not valid JSON; ${remedy}`);
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new Refusal(`${path} is damaged (${describeIssues(parsed.error)}); ${remedy}`);
  const ofSystem = parsedOf.get(sys) ?? new Map<string, Parsed>();
  parsedOf.set(sys, ofSystem.set(path, { bytes, schema, data: parsed.data }));
  return parsed.data;
}
