/**
 * Keeps a user's own list of forgotten sessions, below their home: entries that are not brought back until they ask for
 * it. Only their own process reads or writes it.
 */

import { mkdirSync } from "node:fs";
import { Refusal } from "../../lib/errors.ts";
import { readSmallFile, replaceFile } from "../../lib/files.ts";
import { parseJsonOrUndefined } from "../../lib/parse-json.ts";
import { holdingLock } from "./hold-lock.ts";

/** The oldest entries beyond it are dropped, and what they name is offered again. */
const MOST_FORGOTTEN = 500;
const CAP_BYTES = 512 * 1024;
const LONGEST_NAME = 16_384;

const folderIn = (home: string): string => `${home}/.local/state/workstation`;
const fileIn = (home: string): string => `${folderIn(home)}/forgotten-sessions.json`;

/** By name, when it was forgotten, in ms since 1970. @throws Refusal for a file that is not such a list. */
export function readForgotten(home: string): ReadonlyMap<string, number> {
  const bytes = readSmallFile(fileIn(home), CAP_BYTES);
  if (bytes === undefined) return new Map();
  const found = parseJsonOrUndefined(bytes.toString("utf8"));
  const entries = isList(found) ? found.forgotten : undefined;
  if (entries === undefined)
    throw new Refusal(
      `${fileIn(home)} must be the list that \`ws-me forget\` writes, but it is damaged; remove it, and every session is offered again`,
    );
  return new Map(entries.map(({ name, atMs }) => [name, atMs]));
}

export const rememberForgotten = (home: string, names: readonly string[], nowMs: number): Promise<void> =>
  changed(home, (before) => new Map([...without(before, names), ...names.map((name) => [name, nowMs] as const)]));

/** Offers these sessions again. @returns the names that had been forgotten */
export async function offerAgain(home: string, names: readonly string[]): Promise<readonly string[]> {
  const before = readForgotten(home);
  const found = names.filter((name) => before.has(name));
  if (found.length > 0) await changed(home, (all) => without(all, found));
  return found;
}

type Entries = ReadonlyMap<string, number>;

const without = (all: Entries, names: readonly string[]): Entries =>
  new Map([...all].filter(([name]) => !names.includes(name)));

async function changed(home: string, next: (before: Entries) => Entries): Promise<void> {
  mkdirSync(folderIn(home), { recursive: true, mode: 0o700 });
  await holdingLock(folderIn(home), async () => {
    const entries = [...next(readForgotten(home))].map(([name, atMs]) => ({ name, atMs }));
    let kept = entries.sort((a, b) => a.atMs - b.atMs).slice(-MOST_FORGOTTEN);
    while (textOf(kept).length > CAP_BYTES / 4) kept = kept.slice(1);
    replaceFile(fileIn(home), { bytes: textOf(kept), mode: 0o600 });
  });
}

const textOf = (forgotten: readonly Entry[]): string => `${JSON.stringify({ version: 1, forgotten })}\n`;

interface Entry {
  readonly name: string;
  readonly atMs: number;
}

function isList(found: unknown): found is { readonly forgotten: readonly Entry[] } {
  if (typeof found !== "object" || found === null || !("version" in found) || found.version !== 1) return false;
  return "forgotten" in found && Array.isArray(found.forgotten) && found.forgotten.every(isEntry);
}

const isEntry = (found: unknown): found is Entry =>
  typeof found === "object" &&
  found !== null &&
  "name" in found &&
  typeof found.name === "string" &&
  found.name.length <= LONGEST_NAME &&
  "atMs" in found &&
  typeof found.atMs === "number";
