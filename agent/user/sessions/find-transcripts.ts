/**
 * Finds the transcripts of one directory. Two directories can share a folder, so the directory in the transcript
 * decides.
 */

import { readdirSync, type Stats, statSync } from "node:fs";
import { systemCode } from "../../lib/errors.ts";
import { directoryToldBy, headOf } from "../home/conversation-links.ts";
import { projectKey, isFolderOf, LONGEST_KEY } from "../../shared/sessions/transcript-folder.ts";
import type { TranscriptsSeen } from "../../shared/sessions/session-evidence.ts";
import { CONVERSATION_ID } from "../../shared/sessions/conversation-id.ts";

/** Only the newest are looked into; older ones are no candidates for anything that runs. */
const MOST_TRANSCRIPTS = 50;

/** Those whose recorded directory is the same, newest first, and when each that can be resumed from it was last written. */
export function transcriptsOf(assistant: string, directory: string): TranscriptsSeen {
  const files = foldersOf(assistant, directory).flatMap((folder) =>
    namesIn(folder).flatMap((name) => {
      const id = name.endsWith(".jsonl") ? name.slice(0, -".jsonl".length) : "";
      const stat = CONVERSATION_ID.test(id) ? fileAt(`${folder}/${name}`) : undefined;
      return stat === undefined ? [] : [{ id, path: `${folder}/${name}`, writtenAtMs: stat.mtimeMs, stat }];
    }),
  );
  const newest = files.sort((a, b) => b.writtenAtMs - a.writtenAtMs).slice(0, MOST_TRANSCRIPTS);
  const transcripts = newest.flatMap(({ id, path, writtenAtMs }) => {
    const head = headOf(path);
    if (directoryToldBy(head) !== directory) return [];
    const begunAtMs = Date.parse(/"timestamp":"([^"\\]+)"/.exec(head)?.[1] ?? "");
    return [{ id, writtenAtMs, begunAtMs: Number.isNaN(begunAtMs) ? 0 : begunAtMs }];
  });
  return { transcripts, written: new Map(files.map(({ id, stat }) => [id, changedAtMs(stat)])) };
}

/** Whether the conversation can be resumed from that directory. */
export const hasTranscript = (assistant: string, directory: string, id: string): boolean =>
  foldersOf(assistant, directory).some((folder) => fileAt(`${folder}/${id}.jsonl`) !== undefined);

/** @param assistant the assistant's own folder: `~/.claude` unless its person has set another one */
function foldersOf(assistant: string, directory: string): readonly string[] {
  const projects = `${assistant}/projects`;
  const key = projectKey(directory);
  if (key.length <= LONGEST_KEY) return [`${projects}/${key}`];
  return namesIn(projects)
    .filter(isFolderOf(directory))
    .map((name) => `${projects}/${name}`);
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(systemCode(error) ?? "")) return [];
    throw error;
  }
}

/** The later of its times, of which a person can set only one, as exactly as the sessions probe tells it. */
const changedAtMs = ({ mtimeMs, ctimeMs }: Stats): number => Math.floor(Math.max(mtimeMs, ctimeMs) / 1000) * 1000;

function fileAt(path: string): Stats | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat?.isFile() ? stat : undefined;
}
