/** Derives the folder below `~/.claude/projects` in which the assistant keeps the transcripts of a directory. */

/** The record's name for a directory: every character outside `[A-Za-z0-9]` becomes `-`. */
export const projectKey = (path: string): string => path.replace(/[^A-Za-z0-9]/g, "-");

/** The tool cuts longer names and adds a hash of its own making. */
export const LONGEST_KEY = 200;

/** Two directories can share a folder, so what it tells of may be that directory's and need not be. */
export function isFolderOf(directory: string): (name: string) => boolean {
  const key = projectKey(directory);
  if (key.length <= LONGEST_KEY) return (name) => name === key;
  const start = `${key.slice(0, LONGEST_KEY)}-`;
  return (name) => name.startsWith(start);
}
