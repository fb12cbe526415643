/** Describes in sentences exactly what a removal would delete. */

import type { Shown } from "./run-removal-program.ts";

/** Lines about one host. */
export function describeHost(name: string, found: Shown): readonly string[] {
  if (found.removedOn !== undefined) return [`${name}: removed on ${found.removedOn} already`];
  if (found.unfinished !== undefined)
    return [`${name}: an interrupted removal is resumed; the home is in ${found.archives.folder}/${found.unfinished}`];
  if (found.account === undefined || found.home === undefined) return [`${name}: no account and no home of theirs`];
  const { things, bytes, sockets } = found.home;
  return [
    `${name}: the account (uid ${found.account.uid}${found.account.adopted ? ", which was here before this program" : ""}) and its home ${found.account.home}: ` +
      `${counted(things, "thing", "things")}, ${sized(bytes)}${sockets > 0 ? `; ${counted(sockets, "socket", "sockets")} in no archive` : ""}`,
    ...found.clones.map((clone) => `  ${clone.clone}: ${unsaved(clone)}`),
    `  ${counted(found.files.length, "file", "files")} of root's about them: units, limits, ports, sessions, timers`,
    `  the archive goes to ${found.archives.folder}, where ${sized(found.archives.freeBytes)} are free`,
  ];
}

function unsaved({ uncommitted, unpushed, stashes, unknown }: Shown["clones"][number]): string {
  if (unknown !== undefined) return `a clone whose state is not known (${unknown})`;
  const parts = [
    ...(uncommitted > 0 ? [counted(uncommitted, "uncommitted file", "uncommitted files")] : []),
    ...(unpushed > 0 ? [counted(unpushed, "commit that no remote has", "commits that no remote has")] : []),
    ...(stashes > 0 ? [counted(stashes, "stash", "stashes")] : []),
  ];
  return parts.length === 0 ? "a clone with nothing unsaved" : parts.join(", ");
}

export const counted = (count: number, one: string, many: string): string => `${count} ${count === 1 ? one : many}`;

/** @example sized(3_500_000) === "3.5 MB" */
export function sized(bytes: number): string {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  const power = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), units.length - 1);
  const value = bytes / 1000 ** power;
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[power]}`;
}
