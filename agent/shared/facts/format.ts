/** Formats facts as text, the same in the user portal and on the command line. Pure. */

import type { CloneFact, HostFacts, OwnFacts, RecordedSession, RecordFact, Report } from "./facts-schemas.ts";

/** @example ageOf(150_000) === "2 minutes" */
export function ageOf(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return "less than a minute";
  if (minutes < 120) return counted(minutes, "minute");
  return minutes < 48 * 60 ? counted(Math.floor(minutes / 60), "hour") : counted(Math.floor(minutes / 1440), "day");
}

export const counted = (count: number, word: string): string => `${count} ${word}${count === 1 ? "" : "s"}`;

/**
 * Tells when somebody's sessions were last saved. A save writes nothing down where nothing runs, so that the last one is
 * old then is as it should be.
 * @param running how many sessions run; undefined where that cannot be told
 */
export function savedText(sessions: HostFacts["sessions"], running: number | undefined, nowMs: number): string {
  const { seenAtMs, recordedAtMs } = sessions;
  if (seenAtMs === undefined) return "Not saved yet: a save runs every five minutes.";
  const age = ageOf(nowMs - seenAtMs);
  if (running === 0) return `No session runs, so there is nothing to save now. What ran ${age} ago is kept.`;
  const same = recordedAtMs === undefined ? "" : `, and unchanged for ${ageOf(nowMs - recordedAtMs)}`;
  return `Last saved ${age} ago${same}.`;
}

/** @example bytesOf(1_610_612_736) === "1.5 GiB" */
export function bytesOf(bytes: number): string {
  const mib = bytes / 1024 ** 2;
  return mib < 1000 ? `${Math.round(mib)} MiB` : `${(mib / 1024).toFixed(1).replace(/\.0$/, "")} GiB`;
}

/** A systemd size as people read it. @example formatSize("4G") === "4 GiB" */
export function formatSize(text: string): string {
  const bytes = sizeOf(text);
  return bytes === undefined ? text : bytesOf(bytes);
}

const UNITS: Readonly<Record<string, number>> = { "": 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4 };

/** Bytes of a systemd size; undefined for one that is no number of bytes (`50%`, `infinity`). */
export function sizeOf(text: string): number | undefined {
  const [, digits, unit = ""] = /^(\d+)([KMGT]?)$/.exec(text) ?? [];
  return digits === undefined ? undefined : Number(digits) * (UNITS[unit] ?? 1);
}

/**
 * The clones, each with what the last run on them said where a look tells nothing now; and what it said of no clone.
 * What a look tells now is newer than any note on the same clone.
 */
export function clonesWithNotes(
  clones: readonly CloneFact[],
  notes: readonly string[],
): { readonly clones: readonly CloneFact[]; readonly others: readonly string[] } {
  const about = (path: string, note: string) =>
    note.startsWith(path) && (note.startsWith(" ", path.length) || note.startsWith(": ", path.length));
  const noted = clones.map((clone) => {
    const said = notes.filter((note) => about(clone.path, note)).map((note) => note.slice(clone.path.length).trim());
    const why = clone.why ?? said.join("; ").replace(/^: /, "");
    return why === "" ? clone : { ...clone, why };
  });
  return { clones: noted, others: notes.filter((note) => !clones.some(({ path }) => about(path, note))) };
}

/** Names of what a restore would bring back now; nothing while their server cannot be asked. */
export function restorableOf(now: OwnFacts | Extract<Report["now"], { failed: string }>): readonly string[] {
  const newest = recordsOf(now)[0];
  return (newest?.sessions ?? []).filter(comesBack).map(({ name }) => name);
}

/** The saved records of an answer that has some. */
export const recordsOf = (now: OwnFacts | Extract<Report["now"], { failed: string }>): readonly RecordFact[] =>
  "failed" in now || "failed" in now.records ? [] : now.records;

export const comesBack = ({ state }: RecordedSession): boolean => state === "conversation" || state === "shell";

/** Tells in words what bringing a record back would do with one session. */
export const prospectText = ({ state, why }: RecordedSession): string =>
  why === undefined ? PROSPECTS[state] : `${PROSPECTS[state]}: ${why}`;

const PROSPECTS: Readonly<Record<RecordedSession["state"], string>> = {
  conversation: "comes back with its conversation",
  shell: "comes back with a shell",
  running: "runs",
  "open elsewhere": "stays as it is",
  "name in use": "stays as it is",
  forgotten: "forgotten",
};
