/** Remembers which runs were tried and when, so that a refused push is not announced again every few minutes. */

import { readFile, rename, writeFile } from "node:fs/promises";
import { z } from "zod";
import { StepError } from "../environment.ts";

const form = z.record(z.string(), z.object({ atMs: z.number(), ok: z.boolean() }));

export interface Attempt {
  readonly atMs: number;
  /** Whether every step ended well. */
  readonly ok: boolean;
}

export interface Attempts {
  find(key: string): Attempt | undefined;
  /** Written at once: a run that is killed afterwards is remembered too. */
  record(key: string, attempt: Attempt): Promise<void>;
}

/** Longer than any pull request should stay without a change. */
const KEPT_MS = 90 * 86_400_000;

/** @throws StepError where the file cannot be read or is damaged */
export async function openAttempts(file: string): Promise<Attempts> {
  const entries = new Map(Object.entries(await read(file)));
  return {
    find: (key) => entries.get(key),
    record: async (key, attempt) => {
      entries.set(key, attempt);
      for (const [known, { atMs }] of entries) if (atMs < attempt.atMs - KEPT_MS) entries.delete(known);
      await writeFile(`${file}.new`, JSON.stringify(Object.fromEntries(entries)), { mode: 0o600 });
      await rename(`${file}.new`, file);
    },
  };
}

async function read(file: string): Promise<z.output<typeof form>> {
  const text = await readFile(file, "utf8").catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") return "{}";
    throw new StepError(`${file} cannot be read (${cause.code}).`);
  });
  try {
    return form.parse(JSON.parse(text));
  } catch (cause) {
    throw new StepError(`${file} is damaged: remove it. Runs that were tried before are then tried once more.`, {
      cause,
    });
  }
}
