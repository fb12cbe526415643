/** The facts in people's words, the same on the page and on the command line. Pure. */

import type { Known, Report, Seen } from "./model.ts";

/** @example ageOf(150_000) === "2 minutes" */
export function ageOf(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return "less than a minute";
  if (minutes < 120) return counted(minutes, "minute");
  return minutes < 48 * 60 ? counted(Math.floor(minutes / 60), "hour") : counted(Math.floor(minutes / 1440), "day");
}

export const counted = (count: number, word: string): string => `${count} ${word}${count === 1 ? "" : "s"}`;

/** @example bytesOf(1_610_612_736) === "1.5 GiB" */
export function bytesOf(bytes: number): string {
  const mib = bytes / 1024 ** 2;
  return mib < 1000 ? `${Math.round(mib)} MiB` : `${(mib / 1024).toFixed(1)} GiB`;
}

const UNITS: Readonly<Record<string, number>> = { "": 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4 };

/** Bytes of a systemd size; undefined for one that is no number of bytes (`50%`, `infinity`). */
export function sizeOf(text: string): number | undefined {
  const [, digits, unit = ""] = /^(\d+)([KMGT]?)$/.exec(text) ?? [];
  return digits === undefined ? undefined : Number(digits) * (UNITS[unit] ?? 1);
}

/** Names of what a restore would bring back now; nothing while their server cannot be asked. */
export function restorableOf(
  { sessions }: Known,
  now: Seen | Extract<Report["now"], { failed: string }>,
): readonly string[] {
  if ("failed" in now || "failed" in now.sessions) return [];
  const { running } = now.sessions;
  return sessions.recorded.filter((name) => !running.includes(name));
}
