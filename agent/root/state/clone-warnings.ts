/** Keeps the warnings of the last run on a person's clones, for the user portal and `ws-me`. */

import { z } from "zod";
import type { System } from "../system/privileged-operations.ts";
import { readJson, STATE, writeJson } from "./json-files.ts";

/** What the last run on somebody's clones warned of, and when that was (ms since 1970). */
export interface CloneWarnings {
  readonly atMs: number;
  readonly says: string[];
}

const notesFile = (who: string): string => `${STATE}/notes/${who}.json`;

export function readCloneWarnings(sys: System, who: string): CloneWarnings | undefined {
  const says = readJson(sys, notesFile(who), z.array(z.string()));
  const atMs = sys.look(notesFile(who))?.mtimeMs;
  return says === undefined || atMs === undefined ? undefined : { atMs: Math.round(atMs), says };
}

export function writeCloneWarnings(sys: System, who: string, says: readonly string[]): void {
  if (says.length === 0) sys.remove(notesFile(who));
  else writeJson(sys, notesFile(who), says);
}
