/**
 * Stores where the shells of a user's sessions are, by conversation, in a file beside their records: the version before
 * refuses a record with a field that it does not know, and passes over a file of another name.
 */

import { mapOf } from "../../lib/map-schema.ts";
import { parseJsonOrUndefined } from "../../lib/parse-json.ts";
import { directory, type Session } from "../../shared/sessions/session-schemas.ts";
import type { System } from "../system/privileged-operations.ts";

const fileIn = (folder: string): string => `${folder}/shell-directories.json`;
const shells = mapOf(directory);

/** Those of the newest look; none where they cannot be understood, since a restore works without them. */
export function readShells(sys: System, folder: string): ReadonlyMap<string, string> {
  const bytes = sys.read(fileIn(folder));
  const found = bytes === undefined ? undefined : shells.safeParse(parseJsonOrUndefined(bytes.toString("utf8"))).data;
  return found ?? new Map();
}

/** Leaves a file that holds the same already. A look finds a bounded number of sessions, each with a bounded directory. */
export function writeShells(sys: System, folder: string, sessions: readonly Session[]): void {
  const path = fileIn(folder);
  const all = sessions.flatMap(({ conversation, shellDirectory }) =>
    conversation === undefined || shellDirectory === undefined ? [] : [[conversation, shellDirectory] as const],
  );
  const text = all.length === 0 ? undefined : `${JSON.stringify(Object.fromEntries(all))}\n`;
  if (sys.read(path)?.toString("utf8") === text) return;
  if (text === undefined) sys.remove(path);
  else sys.replaceFile(path, { bytes: text, mode: 0o600 });
}

/** Each session with its shell's directory. */
export const withShells = (sessions: readonly Session[], known: ReadonlyMap<string, string>): Session[] =>
  sessions.map((session) => {
    const shellDirectory = known.get(session.conversation ?? "");
    return shellDirectory === undefined ? session : { ...session, shellDirectory };
  });

/** As a record has them. */
export const withoutShells = (sessions: readonly Session[]): Session[] =>
  sessions.map(({ shellDirectory: _, ...session }) => session);
