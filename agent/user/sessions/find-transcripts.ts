/**
 * Finds the transcripts of one directory. Two directories can share a folder, so the directory in the transcript
 * decides.
 */

import { readdirSync, statSync } from "node:fs";
import { systemCode } from "../../lib/errors.ts";
import { directoryToldBy, headOf } from "../home/conversation-links.ts";
import { projectKey, isFolderOf, LONGEST_KEY } from "../../shared/sessions/transcript-folder.ts";
import type { Transcript } from "../../shared/sessions/match-conversations.ts";
import { CONVERSATION_ID } from "../../shared/sessions/conversation-id.ts";

/** Only the newest are looked into; older ones are no candidates for anything that runs. */
const MOST_TRANSCRIPTS = 50;

/** Those whose recorded directory is the same, newest first. */
export function transcriptsOf(home: string, directory: string): readonly Transcript[] {
  const files = foldersOf(home, directory).flatMap((folder) =>
    namesIn(folder).flatMap((name) => {
      const id = name.endsWith(".jsonl") ? name.slice(0, -".jsonl".length) : "";
      const writtenAtMs = CONVERSATION_ID.test(id) ? writtenAt(`${folder}/${name}`) : undefined;
      return writtenAtMs === undefined ? [] : [{ id, path: `${folder}/${name}`, writtenAtMs }];
    }),
  );
  const newest = files.sort((a, b) => b.writtenAtMs - a.writtenAtMs).slice(0, MOST_TRANSCRIPTS);
  return newest.flatMap(({ id, path, writtenAtMs }) => {
    const head = headOf(path);
    if (directoryToldBy(head) !== directory) return [];
    const begunAtMs = Date.parse(/"timestamp":"([^"\\]+)"/.exec(head)?.[1] ?? "");
    return [{ id, writtenAtMs, begunAtMs: Number.isNaN(begunAtMs) ? 0 : begunAtMs }];
  });
}

/** Whether the conversation can be resumed from that directory. */
export const hasTranscript = (home: string, directory: string, id: string): boolean =>
  foldersOf(home, directory).some((folder) => writtenAt(`${folder}/${id}.jsonl`) !== undefined);

function foldersOf(home: string, directory: string): readonly string[] {
  const projects = `${home}/.claude/projects`;
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

function writtenAt(path: string): number | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat?.isFile() ? stat.mtimeMs : undefined;
}
