/**
 * Writes the file that a user's own `ws-me` reads. Root writes it in runs of its own, so that no user can make root
 * work by asking, and `ws-me` needs no rights.
 */

import { messageOf } from "../../lib/errors.ts";
import { loadPart } from "../state/stored-parts.ts";
import type { User } from "../system/account-database.ts";
import type { System } from "../system/privileged-operations.ts";
import { warn } from "../../lib/log.ts";
import { isParked, knownPeople, TERMINAL_MAP } from "../accounts/terminal-users.ts";
import { readNewest, readOffered } from "../state/session-records.ts";
import type { FactsTask, History, OwnFile } from "../../shared/facts/facts-schemas.ts";
import { collectFacts } from "./collect-facts.ts";

const FOLDER = "/run/workstation/me";

/** For every user of the terminal map and every parked one; a file that holds the same already is left as it is. Says what it cannot write. */
export function publishFacts(sys: System): void {
  const users = sys.look(TERMINAL_MAP) === undefined ? [] : knownPeople(sys);
  for (const name of sys.list(FOLDER) ?? [])
    if (!users.some((user) => name === `${user.name}.json`)) sys.remove(`${FOLDER}/${name}`);
  if (users.length === 0) return;
  sys.makeDirectory("/run/workstation", 0o755);
  sys.makeDirectory(FOLDER, 0o755);
  for (const user of users) {
    try {
      writeOne(sys, user);
    } catch (error) {
      // A damaged part of theirs is told where it matters; here it only makes their own look poorer.
      warn(`${user.name}: the file for ws-me could not be written: ${messageOf(error)}`);
    }
  }
}

function writeOne(sys: System, user: User): void {
  const path = `${FOLDER}/${user.name}.json`;
  const own: OwnFile = { known: collectFacts(sys, user.name), task: taskOf(sys, user) };
  const text = `${JSON.stringify(own)}\n`;
  const there = sys.look(path);
  if (there?.uid === user.uid && (there.mode & 0o7777) === 0o600 && sys.read(path)?.toString("utf8") === text) return;
  sys.replaceFile(path, { bytes: text, mode: 0o600, uid: user.uid, gid: user.gid });
}

/**
 * What their worker is told to look at. The guidance is long and of no use there.
 *
 * @param most of their records, newest first
 */
export function taskOf(sys: System, { name, uid }: User, most = Number.POSITIVE_INFINITY): FactsTask {
  const clones = loadPart(sys, "clones", name);
  const history = isParked(sys, name) === true ? undefined : historyOf(sys, name, most);
  return {
    osUser: name,
    uid,
    ...(clones === undefined ? {} : { clones: { ...clones, guidance: "" } }),
    ...(history === undefined ? {} : { history }),
  };
}

function historyOf(sys: System, name: string, most: number): History {
  const records = readOffered(sys, name);
  return { records: records.slice(0, most), forgotten: readNewest(sys, name)?.forgotten ?? [] };
}
