/** Reads paths of a user's own and notes those that cannot be read: no right, a loop of links, a mount that is away. */

import { systemCode } from "../../lib/errors.ts";

export interface Unread {
  readonly path: string;
  /** The system's. */
  readonly code: string;
}

/** @returns undefined where nothing is there, and where it cannot be read, which is noted. @throws whatever is no error of the system */
export function readOrNote<T>(path: string, unread: Unread[], read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    const code = systemCode(error) ?? "";
    if (!/^E[A-Z0-9]+$/.test(code)) throw error;
    if (!["ENOENT", "ENOTDIR"].includes(code)) unread.push({ path, code });
    return undefined;
  }
}

/** Why something is not to be had, for a sentence about it. */
export const whyMissing = ([first]: readonly Unread[]): string =>
  first === undefined ? "is gone" : `cannot be read (${first.code})`;
