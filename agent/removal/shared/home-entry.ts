/**
 * Defines the entry of one file, folder or link below a home, by which home, archive and restored tree are compared.
 */

import { z } from "zod";
import { Refusal } from "../../lib/errors.ts";
import { parseJsonOrUndefined } from "../../lib/parse-json.ts";

const digits = z.string().regex(/^-?\d{1,20}$/);

const entry = z.strictObject({
  /** Relative to the home, its bytes as latin1; empty for the home itself. */
  path: z.string().max(65_536),
  /** f file, d directory, l link, p pipe, s socket, x device. */
  type: z.enum(["f", "d", "l", "p", "s", "x"]),
  mode: z.int().min(0).max(0o7777),
  uid: z.int(),
  gid: z.int(),
  /** Of a file in bytes, holes included; 0 for anything else. */
  size: z.int().min(0),
  mtimeNs: digits,
  /** sha256 of a file, the target of a link (latin1), else empty. */
  content: z.string(),
  /** What only the home knows: a thing that was replaced by another has another number. */
  inode: digits.optional(),
  links: z.int().optional(),
  /** What only the archive knows: the file under an earlier name. */
  sameAs: z.string().optional(),
});
export type Entry = z.output<typeof entry>;
export type Entries = ReadonlyMap<string, Entry>;

/** A program with such a bit lets whoever starts it act as its owner; who that was is not certain after a journey. */
export const SET_ID = 0o6000;

/** @throws Refusal for a line that is none: whoever wrote it is not the worker that was started */
export function entryOf(line: string): Entry {
  const parsed = entry.safeParse(parseJsonOrUndefined(line));
  if (!parsed.success) throw new Refusal("the worker described a file in an unknown format");
  return parsed.data;
}

/** A path as it may be shown. */
export const displayPath = (path: string): string => `~/${Buffer.from(path, "latin1").toString("utf8")}`;
