/** Formats times for people: the age of a time, and its minute. */

const UNITS = [
  ["d", 86_400],
  ["h", 3600],
  ["min", 60],
] as const;

/** How long before `now`, as in `3 h`; both ISO 8601. */
export function ageOf(time: string, now: string): string {
  const seconds = Math.max(0, Math.round((Date.parse(now) - Date.parse(time)) / 1000));
  const [unit, size] = UNITS.find(([, length]) => seconds >= length) ?? ["s", 1];
  return `${Math.floor(seconds / size)} ${unit}`;
}

/** As in `2026-11-03 12:03`, in UTC. */
export const minuteOf = (time: string): string => new Date(time).toISOString().slice(0, 16).replace("T", " ");
