/** Keeps the warnings of the last run on a person's clones, for the user portal and `ws-me`. */

import { z } from "zod";
import type { System } from "../system/privileged-operations.ts";
import { readJson, STATE, writeJson } from "./json-files.ts";

/** What the last run on somebody's clones warned of, and when that was (ms since 1970). */
export interface CloneWarnings {
  readonly atMs: number;
  readonly says: string[];
}

const notesFile = (osUser: string): string => `${STATE}/notes/${osUser}.json`;

export function readCloneWarnings(sys: System, osUser: string): CloneWarnings | undefined {
  const says = readJson(sys, notesFile(osUser), z.array(z.string()));
  const atMs = sys.look(notesFile(osUser))?.mtimeMs;
  return says === undefined || atMs === undefined ? undefined : { atMs: Math.round(atMs), says };
}

export function writeCloneWarnings(sys: System, osUser: string, says: readonly string[]): void {
  if (says.length === 0) sys.remove(notesFile(osUser));
  else writeJson(sys, notesFile(osUser), says);
}
