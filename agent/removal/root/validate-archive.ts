/**
 * Validates an archive before it is unpacked: it may come from another host, and its content is untrusted. It writes
 * nothing.
 */

import { kindOf } from "../../lib/files.ts";
import { Refusal } from "../../lib/errors.ts";
import type { System } from "../../root/system/privileged-operations.ts";
import { firstOf } from "./compare-entries.ts";
import { type Entries, type Entry, SET_ID, displayPath } from "../shared/home-entry.ts";
import { HOME_FILE, MANIFEST_FILE, RECORD_FILE } from "./archive-paths.ts";

/** An archive that others can write is believed by nobody: between a check and the unpacking it could become another one. @throws Refusal */
export function assertOwnedByRoot(sys: System, folder: string): void {
  const wrong = [folder, ...[RECORD_FILE, MANIFEST_FILE, HOME_FILE].map((file) => `${folder}/${file}`)].flatMap(
    (path) => {
      const stat = sys.look(path);
      if (stat === undefined) return path === folder ? [] : [`${path} is missing`];
      const isExpected = path === folder ? stat.isDirectory() : stat.isFile();
      if (!isExpected) return [`${path} is ${kindOf(stat)}`];
      return stat.uid !== 0 || (stat.mode & 0o022) !== 0 ? [`${path} is writable by others than root`] : [];
    },
  );
  if (wrong.length > 0)
    throw new Refusal(
      `the archive's owner or mode is unsafe: ${wrong.join("; ")}. Compare it with where it comes from, then ` +
        `\`chown -R root: ${folder} && chmod -R go= ${folder}\``,
    );
}

/** Nothing that would be written elsewhere than in the folder it is unpacked to, or be another thing than it says. @throws Refusal */
export function assertEntriesInside(archive: string, entries: Entries): void {
  const seen = new Map<string, Entry>();
  const wrong: string[] = [];
  for (const entry of entries.values()) {
    const why = whyOutside(entry, seen, entries);
    if (why !== undefined) wrong.push(`${displayPath(entry.path)} ${why}`);
    seen.set(entry.path, entry);
  }
  if (wrong.length > 0)
    throw new Refusal(
      `the archive ${archive} was not created by this program; nothing was unpacked: ${firstOf(wrong)}`,
    );
}

function whyOutside({ path, type, mode, sameAs }: Entry, seen: Entries, all: Entries): string | undefined {
  if (path.startsWith("/")) return "is an absolute path";
  const parts = path.split("/");
  if (parts.includes("..")) return "leads out of the home";
  if (path.includes("\0") || (path !== "" && parts.some((part) => part === "" || part === ".")))
    return "is not a valid file name";
  if (type === "x") return "is a device";
  if (path === "")
    return type === "d" && (mode & 0o022) === 0 ? undefined : "is no folder that its owner alone can write";
  const parent = all.get(parts.slice(0, -1).join("/"));
  if (parent?.type !== "d") return "lies in something that is no folder";
  const first = sameAs === undefined ? undefined : seen.get(sameAs);
  if (sameAs !== undefined && (first === undefined || first.type === "d"))
    return "is another name of something outside of the archive";
  return undefined;
}

/** The entries as they are to be once they are unpacked: files without those bits. */
export const withoutSetId = (entries: Entries): Entries =>
  new Map(
    [...entries].map(([path, entry]) => [path, entry.type === "f" ? { ...entry, mode: entry.mode & ~SET_ID } : entry]),
  );

export const countSetId = (entries: Entries): number =>
  [...entries.values()].filter(({ type, mode }) => type === "f" && (mode & SET_ID) !== 0).length;
