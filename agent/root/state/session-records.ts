/** Stores a user's records of sessions below `/var/lib/tmux-persist`: numbered files and a link to the newest. */

import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { Refusal } from "../../lib/errors.ts";
import type { System } from "../system/privileged-operations.ts";
import { mapOf } from "../../lib/map-schema.ts";
import { parseJsonOrUndefined } from "../../lib/parse-json.ts";
import {
  MOST_RECORD_BYTES,
  MOST_RECORDS,
  recordsToOffer,
  recordsToRemove,
} from "../../shared/sessions/record-history.ts";
import { type OfferedRecord, type Snapshot, snapshot } from "../../shared/sessions/session-schemas.ts";
import { readShells, withoutShells, withShells, writeShells } from "./shell-directories.ts";

export const PERSIST = "/var/lib/tmux-persist";

const POINTER = "newest";
const FILE = /^(\d{10})\.json$/;

const folderOf = (osUser: string): string => `${PERSIST}/${osUser}`;
const fileOf = (number: number): string => `${String(number).padStart(10, "0")}.json`;

/** The numbers of a person's records, oldest first. */
export const numbersOf = (sys: System, osUser: string): readonly number[] =>
  (sys.list(folderOf(osUser)) ?? []).flatMap((file) => {
    const number = FILE.exec(file)?.[1];
    return number === undefined ? [] : [Number(number)];
  });

/** The number of the record that the pointer names, or of the last one before it that is whole. */
export function numberOfNewest(sys: System, osUser: string): number | undefined {
  const numbers = numbersOf(sys, osUser);
  const pointed = Number(FILE.exec(sys.readLink(`${folderOf(osUser)}/${POINTER}`) ?? "")?.[1]);
  const upTo = numbers.includes(pointed) ? pointed : Number.POSITIVE_INFINITY;
  return [...numbers].reverse().find((n) => n <= upTo && wholeOrNothing(sys, osUser, n) !== undefined);
}

/** The record that `numberOfNewest` names. */
export function readNewest(sys: System, osUser: string): Snapshot | undefined {
  const number = numberOfNewest(sys, osUser);
  return number === undefined ? undefined : wholeWithShells(sys, osUser, number);
}

/** @throws Refusal when there is none of that number, or it is damaged. */
export function readNumbered(sys: System, osUser: string, number: number): Snapshot {
  const found = wholeWithShells(sys, osUser, number);
  if (found !== undefined) return found;
  const numbers = numbersOf(sys, osUser);
  const range = numbers.length === 0 ? "there is none" : `the whole ones are among ${numbers[0]} to ${numbers.at(-1)}`;
  throw new Refusal(`${osUser} has no intact record ${number}: ${range}`);
}

/**
 * Where the shells are, and nothing else where the newest record has the same sessions. A new record, then the pointer to it,
 * then records beyond the bounds go: wherever this is broken off, the pointer names a whole one.
 */
export function appendRecord(sys: System, osUser: string, next: Snapshot): void {
  const folder = folderOf(osUser);
  sys.makeDirectory(PERSIST, 0o700);
  sys.makeDirectory(folder, 0o700);
  writeShells(sys, folder, next.sessions);
  const stored = { ...next, sessions: withoutShells(next.sessions) };
  const newest = numberOfNewest(sys, osUser);
  const before = newest === undefined ? undefined : wholeOrNothing(sys, osUser, newest);
  if (isDeepStrictEqual(before, { ...stored, takenAtMs: before?.takenAtMs })) return;
  // By number and never by clock, which may be set back.
  const number = Math.max(0, ...numbersOf(sys, osUser)) + 1;
  sys.replaceFile(`${folder}/${fileOf(number)}`, { bytes: `${JSON.stringify(stored)}\n`, mode: 0o600 });
  sys.replaceLink(`${folder}/${POINTER}`, fileOf(number));
  for (const old of beyondBounds(sys, osUser)) sys.remove(`${folder}/${fileOf(old)}`);
  const records = offeredOf(sys, osUser);
  sys.replaceFile(`${folder}/${HISTORY}`, { bytes: `${JSON.stringify({ newest: number, records })}\n`, mode: 0o600 });
}

function beyondBounds(sys: System, osUser: string): readonly number[] {
  const sizes = numbersOf(sys, osUser).map((number) => ({
    number,
    bytes: sys.look(`${folderOf(osUser)}/${fileOf(number)}`)?.size ?? 0,
  }));
  const bytes = sizes.reduce((sum, one) => sum + one.bytes, 0);
  if (sizes.length <= MOST_RECORDS && bytes <= MOST_RECORD_BYTES) return [];
  // A damaged one has nothing that it could bring back.
  return recordsToRemove(
    sizes.map((one) => ({ ...one, sessions: wholeOrNothing(sys, osUser, one.number)?.sessions ?? [] })),
  );
}

const HISTORY = "offered.json";
const history = z.strictObject({ newest: z.int(), records: z.array(snapshot.extend({ number: z.int() })) });
type Numbered = Snapshot & { readonly number: number };

/**
 * The newest record and those before it that hold what was lost since, newest first: what their owner may choose from.
 * They are worked out when a record is written, since two hundred files are too many for each look.
 */
export function readOffered(sys: System, osUser: string): readonly OfferedRecord[] {
  const bytes = sys.read(`${folderOf(osUser)}/${HISTORY}`);
  const found = bytes === undefined ? undefined : history.safeParse(parseJsonOrUndefined(bytes.toString("utf8"))).data;
  const newest = numberOfNewest(sys, osUser);
  const records = found !== undefined && found.newest === newest ? found.records : offeredOf(sys, osUser);
  const shells = readShells(sys, folderOf(osUser));
  // The newest stands first.
  return records.map(({ number, takenAtMs, sessions }, at) => {
    return {
      number,
      takenAtMs,
      seenAtMs: at === 0 ? seenAtMs(sys, osUser, { number, takenAtMs }) : takenAtMs,
      sessions: withShells(sessions, shells),
    };
  });
}

function offeredOf(sys: System, osUser: string): readonly Numbered[] {
  const newest = numberOfNewest(sys, osUser) ?? 0;
  const whole = numbersOf(sys, osUser).flatMap((number): Numbered[] => {
    const record = number > newest ? undefined : wholeOrNothing(sys, osUser, number);
    return record === undefined ? [] : [{ ...record, number }];
  });
  return recordsToOffer(whole);
}

/** When the sessions of a record were last seen to run: those of the newest one by each save since, which found no others. */
export function seenAtMs(sys: System, osUser: string, record: Pick<Numbered, "number" | "takenAtMs">): number {
  const isNewest = record.number === numberOfNewest(sys, osUser);
  return Math.max(record.takenAtMs, isNewest ? (readLastSeen(sys).get(osUser) ?? 0) : 0);
}

const LOOKS = `${PERSIST}/last-seen.json`;
const looks = mapOf(z.number());

/** When each person's sessions were last seen, in ms since 1970. */
export function readLastSeen(sys: System): ReadonlyMap<string, number> {
  const bytes = sys.read(LOOKS);
  const found = bytes === undefined ? undefined : looks.safeParse(parseJsonOrUndefined(bytes.toString("utf8"))).data;
  return found ?? new Map();
}

export function writeLastSeen(sys: System, people: readonly string[], atMs: number): void {
  const all = new Map([...readLastSeen(sys), ...people.map((osUser) => [osUser, atMs] as const)]);
  sys.makeDirectory(PERSIST, 0o700);
  sys.replaceFile(LOOKS, { bytes: `${JSON.stringify(Object.fromEntries(all))}\n`, mode: 0o600 });
}

function wholeOrNothing(sys: System, osUser: string, number: number): Snapshot | undefined {
  const bytes = sys.read(`${folderOf(osUser)}/${fileOf(number)}`);
  return bytes === undefined ? undefined : snapshot.safeParse(parseJsonOrUndefined(bytes.toString("utf8"))).data;
}

function wholeWithShells(sys: System, osUser: string, number: number): Snapshot | undefined {
  const found = wholeOrNothing(sys, osUser, number);
  if (found === undefined) return undefined;
  return { ...found, sessions: withShells(found.sessions, readShells(sys, folderOf(osUser))) };
}
