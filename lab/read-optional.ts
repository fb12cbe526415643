/** Reads what may be missing: absent is an answer, unreadable is an error. */
import { readFile } from "node:fs/promises";

/** A file's text, or nothing when there is no such file. Every other failure is an error. */
export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
