/** Links conversations to the new path of their directory, so that they stay resumable after it has moved. */

import { closeSync, constants, opendirSync, openSync, readSync, symlinkSync } from "node:fs";
import { type Change, says } from "../../lib/converge.ts";
import type { Point } from "../../lib/failpoints.ts";
import { lstat } from "../../lib/files.ts";
import { parseJsonOrUndefined } from "../../lib/parse-json.ts";
import { type StepContext, displayPath } from "./step-context.ts";
import { readOrNote, type Unread } from "./unread-paths.ts";
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

export interface MovedConversations {
  readonly from: string;
  readonly to: string;
  readonly point: Point;
  /** What becomes of conversations that cannot be linked now, for a sentence about them. */
  readonly otherwise: string;
}

/**
 * The changes that link the conversations of a directory, and of those below, to its new path. What cannot be read or
 * linked costs its own link and no other one, and is warned of.
 *
 * @param failed the links that this run has failed to make
 */
export function linkConversations(
  context: StepContext,
  { from, to, point, otherwise }: MovedConversations,
  failed = new Set<string>(),
): readonly Change[] {
  const unread: Unread[] = [];
  const links = conversationsOf(context, from, to, unread).filter(({ link }) => !failed.has(link));
  for (const { path, code } of unread)
    context.warn(
      `${displayPath(context, path)} cannot be read (${code}), so the conversations in it are not linked to their new path: ${otherwise}`,
    );
  return links.map(({ link, target, what }) => ({
    point,
    says: says("link", `the conversations of ${what} to its new path`),
    apply: () => {
      const refused: Unread[] = [];
      readOrNote(link, refused, () => symlinkSync(target, link));
      if (lstat(link) !== undefined) return undefined;
      failed.add(link);
      context.warn(
        `the conversations of ${what} are not linked to its new path, since ${displayPath(context, link)} cannot be made${codeOf(refused)}: ${otherwise}`,
      );
      return "not done" as const;
    },
  }));
}

const codeOf = ([first]: readonly Unread[]): string => (first === undefined ? "" : ` (${first.code})`);

/**
 * The links that keep conversations of `from` and below resumable from `to`. Two paths can share one record's name, so
 * the directory that is written inside a transcript decides. Names longer than 200 characters are cut and hashed by the
 * tool in its own way and are left out.
 *
 * @param unread gets what cannot be read
 */
export function conversationsOf(
  context: StepContext,
  from: string,
  to: string,
  unread: Unread[],
): readonly ConversationLink[] {
  const projects = `${context.home}/.claude/projects`;
  const key = projectKey(from);
  const names = namesIn(projects, MOST_PROJECTS, unread).filter((name) => name === key || name.startsWith(`${key}-`));
  return names.flatMap((name): ConversationLink[] => {
    const cwd = directoryIn(`${projects}/${name}`, unread);
    if (cwd === undefined || (cwd !== from && !cwd.startsWith(`${from}/`)) || projectKey(cwd) !== name) return [];
    const link = projectKey(`${to}${cwd.slice(from.length)}`);
    if (link.length > 200 || lstat(`${projects}/${link}`) !== undefined) return [];
    return [{ link: `${projects}/${link}`, target: name, what: cwd.replace(`${context.home}/`, "~/") }];
  });
}

/** None of what is no directory. */
const namesIn = (path: string, most: number, unread: Unread[]): readonly string[] =>
  readOrNote(path, unread, () => (lstat(path)?.isDirectory() === true ? firstNames(path, most) : [])) ?? [];

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

/** The directory recorded in the first transcript that tells one. Where none does, the first that cannot be read is noted. */
function directoryIn(project: string, unread: Unread[]): string | undefined {
  const hidden: Unread[] = [];
  const transcripts = namesIn(project, MOST_TRANSCRIPTS, hidden).filter((name) => name.endsWith(".jsonl"));
  for (const name of transcripts.slice(0, 20)) {
    const path = `${project}/${name}`;
    const found = directoryToldBy(readOrNote(path, hidden, () => headOf(path)) ?? "");
    if (found !== undefined) return found;
  }
  unread.push(...hidden.slice(0, 1));
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
