/** Stores a user's records of sessions below `/var/lib/tmux-persist`: numbered files and a link to the newest. */

import { z } from "zod";
import { Refusal } from "../../lib/errors.ts";
import type { System } from "../system/privileged-operations.ts";
import { mapOf } from "../../lib/map-schema.ts";
import { parseJsonOrUndefined } from "../../lib/parse-json.ts";
import { type Snapshot, snapshot } from "../../shared/sessions/session-schemas.ts";

export const PERSIST = "/var/lib/tmux-persist";
/** Older ones are removed. */
export const KEPT = 200;

const POINTER = "newest";
const FILE = /^(\d{10})\.json$/;

const folderOf = (who: string): string => `${PERSIST}/${who}`;
const fileOf = (number: number): string => `${String(number).padStart(10, "0")}.json`;

/** The numbers of a person's records, oldest first. */
export const numbersOf = (sys: System, who: string): readonly number[] =>
  (sys.list(folderOf(who)) ?? []).flatMap((file) => {
    const number = FILE.exec(file)?.[1];
    return number === undefined ? [] : [Number(number)];
  });

/** The number of the record that the pointer names, or of the last one before it that is whole. */
export function numberOfNewest(sys: System, who: string): number | undefined {
  const numbers = numbersOf(sys, who);
  const pointed = Number(FILE.exec(sys.readLink(`${folderOf(who)}/${POINTER}`) ?? "")?.[1]);
  const upTo = numbers.includes(pointed) ? pointed : Number.POSITIVE_INFINITY;
  return [...numbers].reverse().find((n) => n <= upTo && wholeOrNothing(sys, who, n) !== undefined);
}

/** The record that `numberOfNewest` names. */
export function readNewest(sys: System, who: string): Snapshot | undefined {
  const number = numberOfNewest(sys, who);
  return number === undefined ? undefined : wholeOrNothing(sys, who, number);
}

/** @throws Refusal when there is none of that number, or it is damaged. */
export function readNumbered(sys: System, who: string, number: number): Snapshot {
  const found = wholeOrNothing(sys, who, number);
  if (found !== undefined) return found;
  const numbers = numbersOf(sys, who);
  const range = numbers.length === 0 ? "there is none" : `the whole ones are among ${numbers[0]} to ${numbers.at(-1)}`;
  throw new Refusal(`${who} has no intact record ${number}: ${range}`);
}

/** A new record, then the pointer to it, then the old ones go: wherever this is broken off, the pointer names a whole one. */
export function appendRecord(sys: System, who: string, next: Snapshot): void {
  const folder = folderOf(who);
  sys.makeDirectory(PERSIST, 0o700);
  sys.makeDirectory(folder, 0o700);
  // By number and never by clock, which may be set back.
  const number = Math.max(0, ...numbersOf(sys, who)) + 1;
  sys.replaceFile(`${folder}/${fileOf(number)}`, { bytes: `${JSON.stringify(next)}\n`, mode: 0o600 });
  sys.replaceLink(`${folder}/${POINTER}`, fileOf(number));
  for (const old of numbersOf(sys, who).slice(0, -KEPT)) sys.remove(`${folder}/${fileOf(old)}`);
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
  const all = new Map([...readLastSeen(sys), ...people.map((who) => [who, atMs] as const)]);
  sys.makeDirectory(PERSIST, 0o700);
  sys.replaceFile(LOOKS, { bytes: `${JSON.stringify(Object.fromEntries(all))}\n`, mode: 0o600 });
}

function wholeOrNothing(sys: System, who: string, number: number): Snapshot | undefined {
  const bytes = sys.read(`${folderOf(who)}/${fileOf(number)}`);
  return bytes === undefined ? undefined : snapshot.safeParse(parseJsonOrUndefined(bytes.toString("utf8"))).data;
}
