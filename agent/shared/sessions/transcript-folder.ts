/** The folder below `~/.claude/projects` in which the assistant files what was said in a directory. */

import { projectKey } from "../../user/home/conversation-links.ts";

/** The tool cuts longer names and adds a hash of its own making. */
export const LONGEST_KEY = 200;

/** Two directories can share a folder, so what it tells of may be that directory's and need not be. */
export function isFolderOf(directory: string): (name: string) => boolean {
  const key = projectKey(directory);
  if (key.length <= LONGEST_KEY) return (name) => name === key;
  const start = `${key.slice(0, LONGEST_KEY)}-`;
  return (name) => name.startsWith(start);
}
