/**
 * Stores the facts of one part of the lab that another needs (addresses, files, keys): one JSON file a part, checked by
 * a schema when it is read.
 */
import { mkdir, rm } from "node:fs/promises";
import { dirname } from "node:path";
import type { z } from "zod";
import type { Instance } from "./instance.ts";
import { LabError } from "./lab-error.ts";
import { readIfThere } from "./read-optional.ts";
import { replaceFile } from "./replace-file.ts";

export interface Fact<T> {
  /** Keeps the part's facts, as a whole. */
  write(instance: Instance, value: T): Promise<void>;
  /** The part's facts. Throws `LabError` when the part is not up. */
  read(instance: Instance): Promise<T>;
  /** The part's facts, or nothing when the part is not up. */
  find(instance: Instance): Promise<T | undefined>;
  /** Forgets the part's facts: it is no longer up. */
  forget(instance: Instance): Promise<void>;
}

/** Declares the facts of one part, kept at `facts/<part>.json` of an instance, readable by root alone (they may be secret). */
export function fact<T>(part: string, schema: z.ZodType<T>): Fact<T> {
  const file = (instance: Instance) => instance.path("facts", `${part}.json`);
  const find = async (instance: Instance): Promise<T | undefined> => {
    const text = await readIfThere(file(instance));
    return text === undefined ? undefined : schema.parse(JSON.parse(text));
  };
  return {
    find,
    async read(instance) {
      const value = await find(instance);
      if (value !== undefined) return value;
      throw new LabError(`The lab "${instance.name}" has no ${part}: start it with "make up" and try again.`);
    },
    async write(instance, value) {
      const path = file(instance);
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await replaceFile(path, `${JSON.stringify(value, null, 2)}\n`, 0o600);
    },
    forget: (instance) => rm(file(instance), { force: true }),
  };
}
