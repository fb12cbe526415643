/**
 * Compares the entries of a home with those of an archive or of a restored tree: names, checksums, modes, owners and
 * times. Pure.
 */

import { type Entries, type Entry, displayPath } from "../shared/home-entry.ts";

/** `owner` too where both sides were written by the same person. */
export type Measure = "with-owner" | "without-owner";

/** What differs, in words, by path; empty when nothing does. Sockets live only as long as their program: no archive keeps them. */
export function differencesOf(wanted: Entries, found: Entries, measure: Measure): readonly string[] {
  const differences: string[] = [];
  for (const [path, want] of wanted) {
    if (want.type === "s") continue;
    const have = found.get(path);
    const why = have === undefined ? "is missing" : differenceOf(want, resolved(have, found), measure);
    if (why !== undefined) differences.push(`${displayPath(path)} ${why}`);
  }
  for (const path of found.keys()) if (!wanted.has(path)) differences.push(`${displayPath(path)} came in between`);
  return differences;
}

/** A second name in an archive stands for what its first one holds. */
function resolved(entry: Entry, all: Entries): Entry {
  const first = entry.sameAs === undefined ? undefined : all.get(entry.sameAs);
  return first === undefined ? entry : { ...first, path: entry.path };
}

function differenceOf(want: Entry, have: Entry, measure: Measure): string | undefined {
  if (want.type !== have.type) return `is of another kind`;
  if (want.size !== have.size) return `has ${have.size} bytes and not ${want.size}`;
  if (want.content !== have.content) return want.type === "l" ? "points elsewhere" : "has another checksum";
  // The rights of a link mean nothing, and each system fills them in differently.
  if (want.type !== "l" && want.mode !== have.mode)
    return `has the mode ${have.mode.toString(8)} and not ${want.mode.toString(8)}`;
  if (want.mtimeNs !== have.mtimeNs) return "has another time";
  if (measure === "with-owner" && (want.uid !== have.uid || want.gid !== have.gid))
    return `belongs to ${have.uid}:${have.gid} and not to ${want.uid}:${want.gid}`;
  return undefined;
}

/** The first few of many, for one sentence. */
export function firstOf(names: readonly string[], most = 10): string {
  const rest = names.length - most;
  return names.slice(0, most).join("; ") + (rest > 0 ? `; and ${rest} more` : "");
}
