/** Reads and writes root's own JSON files below `/var/lib/workstation`, validated by a schema. */

import type { z } from "zod";
import { Refusal } from "../../lib/errors.ts";
import { parseJson, describeIssues } from "../../lib/parse-json.ts";
import type { System } from "../system/privileged-operations.ts";

export const STATE = "/var/lib/workstation";

/** Replaces one of root's own files below `STATE`, closed to everybody else. */
export function writeJson(sys: System, path: string, value: unknown): void {
  sys.makeDirectory(STATE, 0o700);
  const directory = path.slice(0, path.lastIndexOf("/"));
  if (directory !== STATE) sys.makeDirectory(directory, 0o700);
  sys.replaceFile(path, { bytes: `${JSON.stringify(value)}\n`, mode: 0o600 });
}

/** @throws Refusal for a file that is damaged: unknown is not absent. */
export function readJson<T>(sys: System, path: string, schema: z.ZodType<T>): T | undefined {
  const bytes = sys.read(path);
  if (bytes === undefined) return undefined;
  const parsed = schema.safeParse(parseJson(bytes.toString("utf8"), path));
  if (!parsed.success)
    throw new Refusal(
      `${path} is damaged (${describeIssues(parsed.error)}); deliver again, or restore it from a backup`,
    );
  return parsed.data;
}
