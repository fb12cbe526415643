/**
 * Finds the transcripts of one directory. Two directories can share a folder, so the directory in the transcript
 * decides.
 */

import { accessSync, constants, readdirSync, type Stats, statSync } from "node:fs";
import { directoryToldBy, headOf } from "../home/conversation-links.ts";
import { projectKey, isFolderOf, LONGEST_KEY } from "../../shared/sessions/transcript-folder.ts";
import type { TranscriptsSeen } from "../../shared/sessions/session-evidence.ts";
import { CONVERSATION_ID } from "../../shared/sessions/conversation-id.ts";
import { readOrNote, type Unread, whyMissing } from "../home/unread-paths.ts";

/** Only the newest are looked into; older ones are no candidates for anything that runs. */
const MOST_TRANSCRIPTS = 50;

export interface TranscriptsFound {
  readonly seen: TranscriptsSeen;
  /** The folder that could not be read: nothing is known of its transcripts. */
  readonly folder?: Unread;
  /** A transcript that could not be read, so that no other one is certainly the only one of its time. */
  readonly transcript?: Unread;
}

/** Those whose recorded directory is the same, newest first, and when each that can be resumed from it was last written. */
export function transcriptsOf(assistant: string, directory: string): TranscriptsFound {
  const [unreadFolders, unread]: [Unread[], Unread[]] = [[], []];
  const hidden: string[] = [];
  const files = foldersOf(assistant, directory, unreadFolders).flatMap((folder) =>
    namesIn(folder, unreadFolders).flatMap((name) => {
      const id = name.endsWith(".jsonl") ? name.slice(0, -".jsonl".length) : "";
      const before = unread.length;
      const stat = CONVERSATION_ID.test(id) ? fileAt(`${folder}/${name}`, unread) : undefined;
      if (unread.length > before) hidden.push(id);
      return stat === undefined ? [] : [{ id, path: `${folder}/${name}`, writtenAtMs: stat.mtimeMs, stat }];
    }),
  );
  const newest = files.sort((a, b) => b.writtenAtMs - a.writtenAtMs).slice(0, MOST_TRANSCRIPTS);
  const transcripts = newest.flatMap(({ id, path, writtenAtMs }) => {
    const head = readOrNote(path, unread, () => headOf(path)) ?? "";
    if (directoryToldBy(head) !== directory) return [];
    const begunAtMs = Date.parse(/"timestamp":"([^"\\]+)"/.exec(head)?.[1] ?? "");
    return [{ id, writtenAtMs, begunAtMs: Number.isNaN(begunAtMs) ? 0 : begunAtMs }];
  });
  // One that is there, and does not tell when it was written, counts as written before every other.
  const times = files.map(({ id, stat }) => [id, changedAtMs(stat)] as const);
  const written = new Map([...hidden.map((id) => [id, 0] as const), ...times]);
  const [[folder], [transcript]] = [unreadFolders, unread];
  return {
    seen: { transcripts: transcript === undefined ? transcripts : [], written },
    ...(folder === undefined ? {} : { folder }),
    ...(transcript === undefined ? {} : { transcript }),
  };
}

/** Why the conversation cannot be resumed from that directory, for a sentence about its transcript; undefined where it can. */
export function missingTranscript(assistant: string, directory: string, id: string): string | undefined {
  const { isThere, unread } = lookFor(assistant, directory, id);
  return isThere ? undefined : whyMissing(unread);
}

/** Whether it is there, or may be in what cannot be read. */
export function mayHaveTranscript(assistant: string, directory: string, id: string): boolean {
  const { isThere, unread } = lookFor(assistant, directory, id);
  return isThere || unread.length > 0;
}

function lookFor(assistant: string, directory: string, id: string): { isThere: boolean; unread: readonly Unread[] } {
  const unread: Unread[] = [];
  const isThere = foldersOf(assistant, directory, unread).some((folder) => {
    const path = `${folder}/${id}.jsonl`;
    const isFile = fileAt(path, unread) !== undefined;
    return isFile && readOrNote(path, unread, () => accessSync(path, constants.R_OK) ?? true) === true;
  });
  return { isThere, unread };
}

/** @param assistant the assistant's own folder: `~/.claude` unless its person has set another one */
function foldersOf(assistant: string, directory: string, unread: Unread[]): readonly string[] {
  const projects = `${assistant}/projects`;
  const key = projectKey(directory);
  if (key.length <= LONGEST_KEY) return [`${projects}/${key}`];
  return namesIn(projects, unread)
    .filter(isFolderOf(directory))
    .map((name) => `${projects}/${name}`);
}

const namesIn = (folder: string, unread: Unread[]): readonly string[] =>
  readOrNote(folder, unread, () => readdirSync(folder)) ?? [];

/** The later of its times, of which a person can set only one, as exactly as the sessions probe tells it. */
const changedAtMs = ({ mtimeMs, ctimeMs }: Stats): number => Math.floor(Math.max(mtimeMs, ctimeMs) / 1000) * 1000;

function fileAt(path: string, unread: Unread[]): Stats | undefined {
  const stat = readOrNote(path, unread, () => statSync(path));
  return stat?.isFile() ? stat : undefined;
}
