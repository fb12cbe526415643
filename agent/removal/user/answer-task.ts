/**
 * Answers one task of the removal program as the user whose home it is, one line of JSON per result. It refuses to run
 * as root.
 */

import { arm } from "../../lib/failpoints.ts";
import { Refusal } from "../../lib/errors.ts";
import { type Entry, entryOf } from "../shared/home-entry.ts";
import { parseJsonOrUndefined } from "../../lib/parse-json.ts";
import { ByteReader } from "../shared/byte-reader.ts";
import type { Clone, Obstacle, RestoreTarget, Remaining } from "../shared/worker-protocol.ts";
import { clones } from "./unsaved-work.ts";
import { list } from "./list-tree.ts";
import { readTar } from "./read-tar.ts";
import { createTarget, publishTarget } from "./restore-target.ts";
import { clearSetId } from "./clear-setid.ts";
import { deleteArchived } from "./delete-archived.ts";
import type { RemovalTask } from "../shared/worker-protocol.ts";

/** @throws Refusal when it runs as anybody else than it was told */
export async function workOnRemoval(): Promise<number> {
  const bytes = new ByteReader(process.stdin);
  // Root's own words: its program is the only one that starts this.
  const task = parseJsonOrUndefined((await bytes.line()) ?? "") as RemovalTask;
  if (process.getuid?.() !== task.uid || task.uid === 0)
    throw new Refusal("this worker does not run as the user of its task");
  arm(task.failpoint);
  const answer = collected();
  switch (task.verb) {
    case "list":
      list(task, answer.tell);
      break;
    case "read":
      await readTar(bytes, answer.tell);
      break;
    case "delete":
      deleteArchived(task, await archived(bytes), answer.tell);
      break;
    case "clones":
      await clones(task, answer.tell);
      break;
    case "clear-setid":
      clearSetId(task);
      break;
    case "create-target":
      answer.tell(createTarget(task));
      break;
    case "publish-target":
      answer.tell(publishTarget(task));
      break;
  }
  answer.end();
  return 0;
}

async function archived(bytes: ByteReader): Promise<ReadonlyMap<string, Entry>> {
  const entries = new Map<string, Entry>();
  for (let line = await bytes.line(); line !== undefined; line = await bytes.line()) {
    const entry = entryOf(line);
    entries.set(entry.path, entry);
  }
  return entries;
}

/** Writes lines in large chunks, since an ordinary home has half a million of them. */
function collected() {
  const lines: string[] = [];
  const flush = () => {
    if (lines.length > 0) process.stdout.write(`${lines.join("\n")}\n`);
    lines.length = 0;
  };
  return {
    tell: (line: Entry | Obstacle | Remaining | Clone | RestoreTarget) => {
      lines.push(JSON.stringify(line));
      if (lines.length >= 1000) flush();
    },
    end: () => {
      lines.push('{"done":true}');
      flush();
    },
  };
}
