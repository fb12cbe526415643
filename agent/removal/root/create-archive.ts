/** Archives one home: reads it as its user, stores it as root's, and verifies it by reading it back. */

import { createHash } from "node:crypto";
import { createReadStream, createWriteStream, fsyncSync, openSync, closeSync, renameSync, rmSync } from "node:fs";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createGzip } from "node:zlib";
import { syncDirectory } from "../../lib/files.ts";
import { Refusal, systemCode } from "../../lib/errors.ts";
import { assertOutsideHomes } from "../../root/system/privileged-operations.ts";
import { differencesOf, firstOf } from "./compare-entries.ts";
import { type Entries, type Entry, entryOf, displayPath } from "../shared/home-entry.ts";
import { archivesOf, HOME_FILE, MANIFEST_FILE, RECORD_FILE } from "./archive-paths.ts";
import { addEntry, listTree, describeObstacles } from "./list-home.ts";
import { withFailpoint, withFailpointAsync } from "./with-failpoint.ts";
import { callWorker, streamAsUser } from "./stream-as-user.ts";
import { recordOf } from "./archive-record.ts";
import { assertNoProcesses, type RemovalTarget } from "./preconditions.ts";

export interface Archive {
  /** Name of its folder among the archives. */
  readonly archive: string;
  readonly sha256: string;
  readonly entries: number;
}

/**
 * Makes an archive and proves it: every name, checksum, right, owner and time that is in the home afterwards is in what
 * was read back from the disk. Whatever goes wrong, nothing of the home is touched and no partial archive stays.
 * @throws Refusal
 */
export async function makeArchive(subject: RemovalTarget, now: Date): Promise<Archive> {
  const { m, user } = subject;
  const all = archivesOf(m.sys);
  const archive = `${user.name}-${now.toISOString().replaceAll(/[-:]|\.\d+/g, "")}`;
  const folder = assertOutsideHomes(`${all}/.${archive}.unfinished`);
  m.sys.makeDirectory(all, 0o700);
  // What killed runs left of this person: root's own files in root's own folder.
  for (const name of m.sys.list(all) ?? [])
    if (name.startsWith(`.${user.name}-`) && name.endsWith(".unfinished"))
      rmSync(`${all}/${name}`, { recursive: true });
  try {
    withFailpoint("removal-archive-room", () => m.sys.makeDirectory(folder, 0o700));
    const made = await fill(subject, folder, archive, now);
    withFailpoint("removal-archive-publish", () => renameSync(folder, `${all}/${archive}`));
    syncDirectory(all);
    return made;
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    if (systemCode(error) === "ENOSPC" || systemCode(error) === "EDQUOT")
      throw new Refusal(
        `the disk of ${all} is full, so there is no archive and nothing was deleted; free some space, or set devvm.archives to a larger disk`,
      );
    throw error;
  }
}

async function fill(subject: RemovalTarget, folder: string, archive: string, now: Date): Promise<Archive> {
  const { m, user } = subject;
  const before = await listTree(m.sys, user, user.home, false);
  const obstacles = describeObstacles(before.obstacles);
  if (obstacles.length > 0) throw new Refusal(`nothing was deleted: ${obstacles.join(". ")}`);
  await withFailpointAsync("removal-archive-home", () => write(subject, `${folder}/${HOME_FILE}`));
  const home = await listTree(m.sys, user, user.home, true);
  await withFailpointAsync("removal-archive-manifest", () => writeLines(`${folder}/${MANIFEST_FILE}`, home.entries));
  const { entries, sha256 } = await readBack(subject, `${folder}/${HOME_FILE}`);
  const different = differencesOf(home.entries, entries, "with-owner");
  if (different.length > 0)
    throw new Refusal(
      `nothing was deleted: the home is not what was archived: ${firstOf(different)}. Find out who writes there and start again`,
    );
  assertNoProcesses(subject, "after the archive was made");
  const record = recordOf(m, user, { sha256, entries: home.entries.size, madeAt: now.toISOString() });
  withFailpoint("removal-archive-record", () =>
    m.sys.replaceFile(`${folder}/${RECORD_FILE}`, { bytes: `${JSON.stringify(record, undefined, 2)}\n`, mode: 0o600 }),
  );
  return { archive, sha256, entries: home.entries.size };
}

const WRITE = [
  ...["/usr/bin/tar", "--create", "--file=-", "--format=posix", "--pax-option=delete=atime,delete=ctime"],
  ...["--sparse", "--sparse-version=1.0", "--acls", "--xattrs", "--numeric-owner", "--one-file-system"],
];

async function write({ m, user }: RemovalTarget, path: string): Promise<void> {
  const argv = [...WRITE, `--directory=${user.home}`, "."];
  const take = async (output: Readable) => {
    await pipeline(output, createGzip({ level: 3 }), createWriteStream(path, { flags: "wx", mode: 0o600 }));
    flush(path);
  };
  await streamAsUser(m.sys, { user, name: "removal-archive", argv, take });
}

async function writeLines(path: string, entries: Entries): Promise<void> {
  const lines = function* () {
    for (const entry of entries.values()) yield `${JSON.stringify(entry)}\n`;
  };
  await pipeline(
    Readable.from(lines()),
    createGzip({ level: 3 }),
    createWriteStream(path, { flags: "wx", mode: 0o600 }),
  );
  flush(path);
}

function flush(path: string): void {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** The bytes of an archive's home as they are unpacked, with the checksum of the file once they are read. */
export function decompressed(path: string): { readonly bytes: Readable; sha256(): string } {
  const hash = createHash("sha256");
  const through = new Transform({
    transform(part: Buffer, _, done) {
      hash.update(part);
      done(undefined, part);
    },
  });
  const bytes = createGunzip();
  // Whoever reads the bytes learns of it there.
  pipeline(createReadStream(path), through, bytes).catch((error: Error) => bytes.destroy(error));
  return { bytes, sha256: () => hash.digest("hex") };
}

/** What was written may have been written by anybody: it is taken apart by a process that has only its person's rights. */
export async function readBack(
  { m, user }: Pick<RemovalTarget, "m" | "user">,
  path: string,
): Promise<{ readonly entries: Entries; readonly sha256: string }> {
  const entries = new Map<string, Entry>();
  const { bytes, sha256 } = decompressed(path);
  await callWorker(m.sys, {
    user,
    task: { verb: "read", uid: user.uid },
    more: bytes,
    line: (_, text) => {
      const entry = entryOf(text);
      if (entries.has(entry.path)) throw new Refusal(`${path} is damaged: it holds ${displayPath(entry.path)} twice`);
      addEntry(entries, entry);
    },
  });
  return { entries, sha256: sha256() };
}
