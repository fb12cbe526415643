/** Puts an archived home back into the home of somebody who is here again: as them, beside what is there, and verified. */

import { z } from "zod";
import { Refusal } from "../refusal.ts";
import { loadPart } from "../root/store.ts";
import { differencesOf, firstOf } from "./compare.ts";
import { archivesOf, HOME_FILE } from "./layout.ts";
import { listTree } from "./listing.ts";
import { namedAsync } from "./named.ts";
import { askWorker, streamAsPerson } from "./person.ts";
import { readRecord } from "./record.ts";
import { assertUnharmed, manifestOf } from "./remove.ts";
import { unpacked } from "./archive.ts";
import type { Subject } from "./subject.ts";
import type { RemovalTask } from "./worker/main.ts";
import type { Room } from "./worker/room.ts";

export interface Restored {
  /** The folder that holds all of it now. */
  readonly folder: string;
  readonly entries: number;
}

const room = z.strictObject({ room: z.string(), published: z.string().optional() });

/** Nothing is ever overwritten. The owner is whoever they are today, whatever their uid was. @throws Refusal */
export async function restore(subject: Subject, archive: string, day: string): Promise<Restored> {
  const { m, user } = subject;
  const folder = `${archivesOf(m.sys)}/${archive}`;
  const record = readRecord(m.sys, folder);
  if (record.user !== user.name)
    throw new Refusal(`the archive ${archive} is ${record.user}'s home, and it is given to nobody else`);
  const part = loadPart(m.sys, "account", user.name);
  if (part?.state !== "present")
    throw new Refusal(`${user.name} is not served here; put their row back and deploy first`);
  await assertUnharmed(`${folder}/${HOME_FILE}`, record.sha256);
  const name = `restored-${day}`;
  const made = await ask(subject, { verb: "room", uid: user.uid, home: user.home, name });
  await namedAsync("restore-extract", () => extract(subject, `${folder}/${HOME_FILE}`, made.room));
  const { entries } = await listTree(m.sys, user, made.room, true);
  const different = differencesOf(await manifestOf(folder), entries, "without-owner");
  if (different.length > 0)
    throw new Refusal(`what was unpacked to ${made.room} is not what the archive holds: ${firstOf(different)}`);
  if (made.published === undefined) return { folder: made.room, entries: entries.size };
  const published = await namedAsync("restore-publish", () =>
    ask(subject, { verb: "publish", uid: user.uid, home: user.home, name }),
  );
  return { folder: published.room, entries: entries.size };
}

async function ask({ m, user }: Subject, task: RemovalTask): Promise<Room> {
  let answer: z.output<typeof room> | undefined;
  await askWorker(m.sys, {
    user,
    task,
    line: (value) => {
      answer = room.parse(value);
    },
  });
  // It becomes an argument of a program that runs as them: it lies in their home or the worker is none of ours.
  if (answer === undefined || (answer.room !== user.home && !answer.room.startsWith(`${user.home}/`)))
    throw new Refusal("their worker named no folder of their home");
  return { room: answer.room, ...(answer.published === undefined ? {} : { published: answer.published }) };
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

async function extract({ m, user }: Subject, file: string, into: string): Promise<void> {
  const { bytes } = unpacked(file);
  const take = async (output: AsyncIterable<unknown>) => {
    for await (const _ of output);
  };
  // The folder is empty, so nothing can be overwritten; its own time and rights are restored too.
  const argv = [...READ, `--directory=${into}`];
  await streamAsPerson(m.sys, { user, name: "removal-restore", argv, feed: bytes, take });
}
