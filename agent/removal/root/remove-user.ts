/**
 * Removes one user for good, once their archive is verified. Every step reads the present state, so the next run
 * finishes a killed one.
 */

import { existsSync, rmdirSync } from "node:fs";
import { z } from "zod";
import { Refusal, systemCode } from "../../lib/errors.ts";
import { warn } from "../../lib/log.ts";
import { runShadowUtility } from "../../root/accounts/shadow-utils.ts";
import { loadPart } from "../../root/state/stored-parts.ts";
import { readLedger, writeLedger } from "../../root/state/host-ledger.ts";
import { runOrThrow } from "../../root/system/privileged-operations.ts";
import { readRecord, filesOf, removeFolders } from "./archive-record.ts";
import { differencesOf, firstOf } from "./compare-entries.ts";
import { type Entry, entryOf, displayPath } from "../shared/home-entry.ts";
import { type Journal, writeJournal } from "./removal-journal.ts";
import { archivesOf, HOME_FILE, journalOf, MANIFEST_FILE } from "./archive-paths.ts";
import { addEntry, listTree, describeObstacles } from "./list-home.ts";
import { withFailpoint, withFailpointAsync } from "./with-failpoint.ts";
import { callWorker } from "./stream-as-user.ts";
import { assertNoProcesses, type RemovalTarget } from "./preconditions.ts";
import { decompressed } from "./create-archive.ts";
import { ByteReader } from "../shared/byte-reader.ts";
import type { Remaining } from "../shared/worker-protocol.ts";

/**
 * The first run: only when the home still is what the archive holds, to the byte.
 * @throws Refusal, and nothing has been deleted
 */
export async function beginRemoval(subject: RemovalTarget, archive: string, day: string): Promise<Journal> {
  const { m, user } = subject;
  const folder = `${archivesOf(m.sys)}/${archive}`;
  const record = readRecord(m.sys, folder);
  if (record.user !== user.name || record.uid !== user.uid)
    throw new Refusal(
      `the archive ${archive} is of ${record.user} (uid ${record.uid}) and not of ${user.name} (uid ${user.uid})`,
    );
  await verifyChecksum(`${folder}/${HOME_FILE}`, record.sha256);
  const home = await listTree(m.sys, user, user.home, true);
  const different = differencesOf(await readManifest(folder), home.entries, "with-owner");
  const obstacles = describeObstacles(home.obstacles);
  if (different.length + obstacles.length > 0)
    throw new Refusal(
      `nothing was deleted: the home is no longer what ${archive} holds: ${firstOf([...different, ...obstacles])}. Archive it anew`,
    );
  assertNoProcesses(subject, "nothing was deleted: before the first deletion");
  const journal: Journal = { version: 1, user: { ...user }, archive, day };
  withFailpoint("removal-journal", () => writeJournal(m.sys, journal));
  return journal;
}

/** Reads all of it once more. @throws Refusal */
export async function verifyChecksum(path: string, sha256: string): Promise<void> {
  const { bytes, sha256: found } = decompressed(path);
  const broken = (why: string) => new Refusal(`${path} is damaged (${why}); nothing was done with it`);
  try {
    for await (const _ of bytes);
  } catch (cause) {
    throw broken((cause as Error).message);
  }
  if (found() !== sha256) throw broken("its checksum is another one than when it was made");
}

/** The entries of an archive as they were checked when it was made. */
export async function readManifest(folder: string): Promise<ReadonlyMap<string, Entry>> {
  const path = `${folder}/${MANIFEST_FILE}`;
  const entries = new Map<string, Entry>();
  const { bytes } = decompressed(path);
  try {
    const lines = new ByteReader(bytes);
    for (let line = await lines.line(); line !== undefined; line = await lines.line()) addEntry(entries, entryOf(line));
  } catch (cause) {
    throw new Refusal(`${path} is damaged (${(cause as Error).message}); nothing was done with it`, { cause });
  }
  return entries;
}

/** Goes on from wherever the last run ended. @throws Refusal that says what is left and how to get past it */
export async function continueRemoval({ m, failpoint }: Omit<RemovalTarget, "user">, journal: Journal): Promise<void> {
  const { sys } = m;
  const { user } = journal;
  const subject: RemovalTarget = { m, user, failpoint };
  if (existsSync(user.home)) {
    assertNoProcesses(subject, "nothing more is deleted:");
    await withFailpointAsync("removal-wipe", () => wipeHome(subject, journal));
    assertNoProcesses(subject, "the home is empty by now, and the account stays:");
    withFailpoint("removal-home", () => removeHome(user.home));
  }
  if (m.accounts().users.has(user.name)) {
    assertNoProcesses(subject, "the home is gone by now, and the account stays:");
    // Without `--remove`: what is below the home is none of root's business, and nothing is left of it.
    await withFailpointAsync("removal-account", () => runShadowUtility(m, ["/usr/sbin/userdel", "--", user.name]));
  }
  const group = m.accounts().groups.get(user.name);
  if (group !== undefined && group.gid === user.gid && group.members.size === 0)
    await withFailpointAsync("removal-group", () => runShadowUtility(m, ["/usr/sbin/groupdel", "--", user.name]));
  const ledger = readLedger(sys);
  if (ledger.get(user.name)?.removedOn === undefined) {
    const given = loadPart(sys, "account", user.name)?.given;
    // The uid stays taken; the ports are free.
    const entry = { uid: user.uid, adopted: false, removedOn: journal.day, ...(given === undefined ? {} : { given }) };
    withFailpoint("removal-ledger", () => writeLedger(sys, new Map(ledger).set(user.name, entry)));
  }
  for (const path of filesOf(sys, user)) withFailpoint("removal-file", () => sys.remove(path));
  removeFolders(sys, user);
  await withFailpointAsync("removal-daemon-reload", () => runOrThrow(sys, ["/usr/bin/systemctl", "daemon-reload"]));
  withFailpoint("removal-done", () => sys.remove(journalOf(user.name)));
}

const left = z.strictObject({ left: z.string().max(200), path: z.string().max(65_536) }) satisfies z.ZodType<Remaining>;

async function wipeHome({ m, user, failpoint }: RemovalTarget, { archive }: Journal): Promise<void> {
  const still: Remaining[] = [];
  await callWorker(m.sys, {
    user,
    task: { verb: "delete", uid: user.uid, folder: user.home, ...(failpoint === undefined ? {} : { failpoint }) },
    more: decompressed(`${archivesOf(m.sys)}/${archive}/${MANIFEST_FILE}`).bytes,
    line: (value) => still.push(left.parse(value)),
  });
  // A folder that is not empty is told of by what is in it.
  const reported = still.filter(({ left: why }) => why !== "it is not empty");
  if (still.length === 0) return;
  warn(`${user.name}: ${still.length} files are still in the home`);
  throw new Refusal(
    `not finished, the rest of the home is in ${archive}: ${firstOf(reported.map((one) => `${displayPath(one.path)}: ${one.left}`))}. ` +
      "Look at them, keep what is to be kept, delete them, and run this again",
  );
}

/** The one thing that root does to a home here: an empty directory goes, and anything else is an error of the system. */
function removeHome(home: string): void {
  try {
    rmdirSync(home);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return;
    if (systemCode(error) === "ENOTEMPTY") throw new Refusal(`${home} is not empty any more; run the removal again`);
    throw error;
  }
}
