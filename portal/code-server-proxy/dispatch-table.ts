/**
 * Reads the dispatch table, again whenever the file has changed, so that a deployment needs no restart of the proxy.
 */

import { z } from "zod";
import { cachedFile } from "../cached-file.ts";

const entry = z.strictObject({
  os_user: z.string().regex(/^[a-z_][a-z0-9_-]{0,31}$/),
  port: z.int().min(1024).max(65_535),
  parked: z.boolean().optional(),
});
export type Entry = z.output<typeof entry>;

/** Keyed by names from outside, so always a `Map`. */
export type Table = ReadonlyMap<string, Entry>;

export interface Dispatch {
  /** The table as it is now. @throws when it is missing or broken: then nobody is let in. */
  read(): Table;
}

export const dispatchAt = (path: string): Dispatch => ({ read: cachedFile(path, parseTable) });

/** @throws when it is no table: a broken one admits nobody, and least of all whom an older one did. */
export function parseTable(text: string): Table {
  const found = z.record(z.string(), entry).parse(JSON.parse(text));
  return new Map(Object.entries(found));
}
