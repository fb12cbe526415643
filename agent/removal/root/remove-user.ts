/**
 * Removes one user for good, once their archive is verified. Every step reads the present state, so the next run
 * finishes a killed one.
 */

import { existsSync, rmdirSync } from "node:fs";
import { z } from "zod";
import { Refusal, systemCode } from "../../lib/errors.ts";
import { warn } from "../../lib/log.ts";
import { mustUnlock } from "../../root/accounts/shadow-utils.ts";
import { loadPart } from "../../root/state/parts.ts";
import { readLedger, writeLedger } from "../../root/state/host-ledger.ts";
import { must } from "../../root/system/privileged-operations.ts";
import { readRecord, filesOf, removeFolders } from "./archive-record.ts";
import { differencesOf, firstOf } from "./compare-entries.ts";
import { type Entry, entryOf, shown } from "../shared/home-entry.ts";
import { type Journal, writeJournal } from "./removal-journal.ts";
import { archivesOf, HOME_FILE, journalOf, MANIFEST_FILE } from "./archive-paths.ts";
import { keep, listTree, sayObstacles } from "./list-home.ts";
import { named, namedAsync } from "./with-failpoint.ts";
import { askWorker } from "./stream-as-user.ts";
import { assertAlone, type Subject } from "./preconditions.ts";
import { unpacked } from "./create-archive.ts";
import { Bytes } from "../shared/byte-reader.ts";
import type { Left } from "../shared/worker-protocol.ts";

/**
 * The first run: only when the home still is what the archive holds, to the byte.
 * @throws Refusal, and nothing has been deleted
 */
export async function begin(subject: Subject, archive: string, day: string): Promise<Journal> {
  const { m, user } = subject;
  const folder = `${archivesOf(m.sys)}/${archive}`;
  const record = readRecord(m.sys, folder);
  if (record.user !== user.name || record.uid !== user.uid)
    throw new Refusal(
      `the archive ${archive} is of ${record.user} (uid ${record.uid}) and not of ${user.name} (uid ${user.uid})`,
    );
  await assertUnharmed(`${folder}/${HOME_FILE}`, record.sha256);
  const home = await listTree(m.sys, user, user.home, true);
  const different = differencesOf(await manifestOf(folder), home.entries, "with-owner");
  const obstacles = sayObstacles(home.obstacles);
  if (different.length + obstacles.length > 0)
    throw new Refusal(
      `nothing was deleted: the home is no longer what ${archive} holds: ${firstOf([...different, ...obstacles])}. Archive it anew`,
    );
  assertAlone(subject, "nothing was deleted: before the first deletion");
  const journal: Journal = { version: 1, user: { ...user }, archive, day };
  named("removal-journal", () => writeJournal(m.sys, journal));
  return journal;
}

/** Reads all of it once more. @throws Refusal */
export async function assertUnharmed(path: string, sha256: string): Promise<void> {
  const { bytes, sha256: found } = unpacked(path);
  const broken = (why: string) => new Refusal(`${path} is damaged (${why}); nothing was done with it`);
  try {
    for await (const _ of bytes);
  } catch (cause) {
    throw broken((cause as Error).message);
  }
  if (found() !== sha256) throw broken("its checksum is another one than when it was made");
}

/** The entries of an archive as they were checked when it was made. */
export async function manifestOf(folder: string): Promise<ReadonlyMap<string, Entry>> {
  const path = `${folder}/${MANIFEST_FILE}`;
  const entries = new Map<string, Entry>();
  const { bytes } = unpacked(path);
  try {
    const lines = new Bytes(bytes);
    for (let line = await lines.line(); line !== undefined; line = await lines.line()) keep(entries, entryOf(line));
  } catch (cause) {
    throw new Refusal(`${path} is damaged (${(cause as Error).message}); nothing was done with it`, { cause });
  }
  return entries;
}

/** Goes on from wherever the last run ended. @throws Refusal that says what is left and how to get past it */
export async function goOn({ m, failpoint }: Omit<Subject, "user">, journal: Journal): Promise<void> {
  const { sys } = m;
  const { user } = journal;
  const subject: Subject = { m, user, failpoint };
  if (existsSync(user.home)) {
    assertAlone(subject, "nothing more is deleted:");
    await namedAsync("removal-wipe", () => wipeHome(subject, journal));
    assertAlone(subject, "the home is empty by now, and the account stays:");
    named("removal-home", () => removeHome(user.home));
  }
  if (m.accounts().users.has(user.name)) {
    assertAlone(subject, "the home is gone by now, and the account stays:");
    // Without `--remove`: what is below the home is none of root's business, and nothing is left of it.
    await namedAsync("removal-account", () => mustUnlock(m, ["/usr/sbin/userdel", "--", user.name]));
  }
  const group = m.accounts().groups.get(user.name);
  if (group !== undefined && group.gid === user.gid && group.members.size === 0)
    await namedAsync("removal-group", () => mustUnlock(m, ["/usr/sbin/groupdel", "--", user.name]));
  const ledger = readLedger(sys);
  if (ledger.get(user.name)?.removedOn === undefined) {
    const given = loadPart(sys, "account", user.name)?.given;
    // The uid stays taken; the ports are free.
    const entry = { uid: user.uid, adopted: false, removedOn: journal.day, ...(given === undefined ? {} : { given }) };
    named("removal-ledger", () => writeLedger(sys, new Map(ledger).set(user.name, entry)));
  }
  for (const path of filesOf(sys, user)) named("removal-file", () => sys.remove(path));
  removeFolders(sys, user);
  await namedAsync("removal-daemon-reload", () => must(sys, ["/usr/bin/systemctl", "daemon-reload"]));
  named("removal-done", () => sys.remove(journalOf(user.name)));
}

const left = z.strictObject({ left: z.string().max(200), path: z.string().max(65_536) }) satisfies z.ZodType<Left>;

async function wipeHome({ m, user, failpoint }: Subject, { archive }: Journal): Promise<void> {
  const still: Left[] = [];
  await askWorker(m.sys, {
    user,
    task: { verb: "wipe", uid: user.uid, folder: user.home, ...(failpoint === undefined ? {} : { failpoint }) },
    more: unpacked(`${archivesOf(m.sys)}/${archive}/${MANIFEST_FILE}`).bytes,
    line: (value) => still.push(left.parse(value)),
  });
  // A folder that is not empty is told of by what is in it.
  const told = still.filter(({ left: why }) => why !== "it is not empty");
  if (still.length === 0) return;
  warn(`${user.name}: ${still.length} files are still in the home`);
  throw new Refusal(
    `not finished, the rest of the home is in ${archive}: ${firstOf(told.map((one) => `${shown(one.path)}: ${one.left}`))}. ` +
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
