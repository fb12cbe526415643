/**
 * Compares a live object with the desired one and says how they differ. Fields that the desired one does not name are
 * no difference. Pure.
 */

/** @returns one sentence a field, in the wish's order: `spec.hard.pods: 10, and 20 is wanted` */
export function differences(wanted: unknown, live: unknown, path = ""): readonly string[] {
  if (Array.isArray(wanted)) {
    if (!Array.isArray(live) || live.length !== wanted.length) return [`${path}: has other items than wanted`];
    return wanted.flatMap((item, i) => differences(item, live[i], `${path}[${i}]`));
  }
  if (typeof wanted === "object" && wanted !== null) {
    const fields = typeof live === "object" && live !== null ? (live as Readonly<Record<string, unknown>>) : {};
    return Object.entries(wanted).flatMap(([key, value]) =>
      value === undefined ? [] : differences(value, fields[key], path === "" ? key : `${path}.${key}`),
    );
  }
  if (String(wanted) === String(live)) return [];
  const found = live === undefined || live === null ? "is not set" : `is ${short(live)}`;
  return [`${path}: ${found}, and ${short(wanted)} is wanted`];
}

const short = (value: unknown) => {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
};
