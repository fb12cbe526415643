/** Writes a file only when it says something else: servers watch theirs, and one restarts at every write. */
import { rename, writeFile } from "node:fs/promises";
import { readIfThere } from "./read-optional.ts";

/** Replaces the file as a whole where its text differs; the folder must exist. */
export async function replaceFile(path: string, text: string, mode = 0o644): Promise<void> {
  if ((await readIfThere(path)) === text) return;
  await writeFile(`${path}.new`, text, { mode });
  await rename(`${path}.new`, path);
}
