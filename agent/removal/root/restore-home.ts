/** Restores an archived home for a user who is present again: as that user, beside what is there, and verified. */

import { z } from "zod";
import { Refusal } from "../../lib/errors.ts";
import { loadPart } from "../../root/state/stored-parts.ts";
import { assertEntriesInside, assertOwnedByRoot, withoutSetId, countSetId } from "./validate-archive.ts";
import { differencesOf, firstOf } from "./compare-entries.ts";
import { archivesOf, HOME_FILE } from "./archive-paths.ts";
import { listTree } from "./list-home.ts";
import { withFailpointAsync } from "./with-failpoint.ts";
import { callWorker, streamAsUser } from "./stream-as-user.ts";
import { readRecord } from "./archive-record.ts";
import { verifyChecksum, readManifest } from "./remove-user.ts";
import { readBack, decompressed } from "./create-archive.ts";
import type { RemovalTarget } from "./preconditions.ts";
import type { RemovalTask, RestoreTarget } from "../shared/worker-protocol.ts";

export interface Restored {
  /** The folder that holds all of it now. */
  readonly folder: string;
  readonly entries: number;
  /** Files that were set-user-ID or set-group-ID programs and are none any more. */
  readonly tamed: number;
}

const restoreTarget = z.strictObject({ folder: z.string(), published: z.string().optional() });

/**
 * Nothing is ever overwritten. The archive may have been made on another host, and carried about since: nothing in it is
 * believed before it was looked through by a process with this person's rights, and the owner is whoever they are today.
 * @param formerUid where it is another one than today's: a name may have been two people's, so it has to be said
 * @throws Refusal
 */
export async function restoreHome(
  subject: RemovalTarget,
  archive: string,
  { day, formerUid }: { readonly day: string; readonly formerUid: number | undefined },
): Promise<Restored> {
  const { m, user } = subject;
  const folder = `${archivesOf(m.sys)}/${archive}`;
  assertOwnedByRoot(m.sys, folder);
  const record = readRecord(m.sys, folder);
  if (record.user !== user.name)
    throw new Refusal(`the archive ${archive} is the home of ${record.user} and can be restored for nobody else`);
  if (record.uid !== user.uid && record.uid !== formerUid)
    throw new Refusal(
      `the archive ${archive} holds the home of ${record.user} with uid ${record.uid} (on ${record.host}), but ${user.name} has uid ${user.uid} here: ` +
        `find out whether they are the same person, and pass --uid ${record.uid} if they are`,
    );
  const part = loadPart(m.sys, "account", user.name);
  if (part?.state !== "present")
    throw new Refusal(`${user.name} is not present on this host; restore their row in the roster and deploy first`);
  await verifyChecksum(`${folder}/${HOME_FILE}`, record.sha256);
  const { entries: held } = await readBack(subject, `${folder}/${HOME_FILE}`);
  assertEntriesInside(archive, held);
  const wanted = await readManifest(folder);
  const unlisted = differencesOf(wanted, held, "with-owner");
  if (unlisted.length > 0)
    throw new Refusal(
      `the archive ${archive} is not what the list beside it says, and nothing was unpacked: ${firstOf(unlisted)}`,
    );
  const setId = countSetId(held);
  const name = `restored-${day}`;
  const made = await ask(subject, { verb: "create-target", uid: user.uid, home: user.home, name });
  await withFailpointAsync("restore-extract", () => extract(subject, `${folder}/${HOME_FILE}`, made.folder));
  if (setId > 0)
    await callWorker(m.sys, { user, task: { verb: "clear-setid", uid: user.uid, folder: made.folder }, line: ignored });
  const { entries } = await listTree(m.sys, user, made.folder, true);
  const different = differencesOf(withoutSetId(wanted), entries, "without-owner");
  if (different.length > 0)
    throw new Refusal(`what was unpacked to ${made.folder} is not what the archive holds: ${firstOf(different)}`);
  if (made.published === undefined) return { folder: made.folder, entries: entries.size, tamed: setId };
  const published = await withFailpointAsync("restore-publish", () =>
    ask(subject, { verb: "publish-target", uid: user.uid, home: user.home, name }),
  );
  return { folder: published.folder, entries: entries.size, tamed: setId };
}

const ignored = () => undefined;

async function ask({ m, user }: RemovalTarget, task: RemovalTask): Promise<RestoreTarget> {
  let answer: z.output<typeof restoreTarget> | undefined;
  await callWorker(m.sys, {
    user,
    task,
    line: (value) => {
      answer = restoreTarget.parse(value);
    },
  });
  // It becomes an argument of a program that runs as them: it lies in their home or the worker is none of ours.
  if (answer === undefined || (answer.folder !== user.home && !answer.folder.startsWith(`${user.home}/`)))
    throw new Refusal("the worker named a folder that is not in the home");
  return { folder: answer.folder, ...(answer.published === undefined ? {} : { published: answer.published }) };
}

const READ = [
  "/usr/bin/tar",
  "--extract",
  "--file=-",
  "--preserve-permissions",
  "--no-same-owner",
  "--acls",
  "--xattrs",
];

async function extract({ m, user }: RemovalTarget, file: string, into: string): Promise<void> {
  const { bytes } = decompressed(file);
  const take = async (output: AsyncIterable<unknown>) => {
    for await (const _ of output);
  };
  // The folder is empty, so nothing can be overwritten; its own time and rights are restored too.
  const argv = [...READ, `--directory=${into}`];
  await streamAsUser(m.sys, { user, name: "removal-restore", argv, feed: bytes, take });
}
