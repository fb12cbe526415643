/** Finds the links by which conversations stay resumable after their directory has moved. */

import { closeSync, constants, opendirSync, openSync, readSync } from "node:fs";
import { lstat } from "../../lib/files.ts";
import { parseJsonOrUndefined } from "../../lib/parse-json.ts";
import type { StepContext } from "./step-context.ts";
import { projectKey } from "../../shared/sessions/transcript-folder.ts";

const MOST_PROJECTS = 2000;
const MOST_TRANSCRIPTS = 2000;
const HEAD_BYTES = 64 * 1024;

export interface ConversationLink {
  readonly link: string;
  /** Relative to the link's own directory. */
  readonly target: string;
  /** The directory it was about, for a sentence. */
  readonly what: string;
}

/**
 * The links that keep conversations of `from` and below resumable from `to`. Two paths can share one record's name, so
 * the directory that is written inside a transcript decides. Names longer than 200 characters are cut and hashed by the
 * tool in its own way and are left out.
 */
export function conversationsOf(context: StepContext, from: string, to: string): readonly ConversationLink[] {
  const projects = `${context.home}/.claude/projects`;
  if (lstat(projects)?.isDirectory() !== true) return [];
  const key = projectKey(from);
  const names = firstNames(projects, MOST_PROJECTS).filter((name) => name === key || name.startsWith(`${key}-`));
  return names.flatMap((name): ConversationLink[] => {
    const cwd = directoryIn(`${projects}/${name}`);
    if (cwd === undefined || (cwd !== from && !cwd.startsWith(`${from}/`)) || projectKey(cwd) !== name) return [];
    const link = projectKey(`${to}${cwd.slice(from.length)}`);
    if (link.length > 200 || lstat(`${projects}/${link}`) !== undefined) return [];
    return [{ link: `${projects}/${link}`, target: name, what: cwd.replace(`${context.home}/`, "~/") }];
  });
}

/** So many names of a directory and no more: there may be a million, and none of those beyond is even read. */
function firstNames(path: string, most: number): readonly string[] {
  const directory = opendirSync(path, { bufferSize: 256 });
  try {
    const names: string[] = [];
    for (let entry = directory.readSync(); entry !== null && names.length < most; entry = directory.readSync())
      names.push(entry.name);
    return names;
  } finally {
    directory.closeSync();
  }
}

/** The directory recorded in the first transcript that tells one. */
function directoryIn(project: string): string | undefined {
  if (lstat(project)?.isDirectory() !== true) return undefined;
  for (const name of firstNames(project, MOST_TRANSCRIPTS)
    .filter((n) => n.endsWith(".jsonl"))
    .slice(0, 20)) {
    const found = directoryToldBy(headOf(`${project}/${name}`));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The directory that a transcript's beginning tells; undefined where it is damaged, too. */
export function directoryToldBy(head: string): string | undefined {
  const found = /"cwd":("(?:[^"\\]|\\.)*")/.exec(head)?.[1];
  const directory = found === undefined ? undefined : parseJsonOrUndefined(found);
  return typeof directory === "string" ? directory : undefined;
}

/** The beginning of a transcript; empty for what is no regular file. */
export function headOf(path: string): string {
  if (lstat(path)?.isFile() !== true) return "";
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const head = Buffer.alloc(HEAD_BYTES);
    return head.toString("utf8", 0, readSync(fd, head, 0, HEAD_BYTES, 0));
  } finally {
    closeSync(fd);
  }
}
