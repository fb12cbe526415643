/**
 * Walks a tree by open directories, so that a directory that is replaced by a link in the meantime leads nowhere else.
 */

import { closeSync, constants, fstatSync, lstatSync, openSync, readdirSync, type BigIntStats } from "node:fs";
import { systemCode } from "../../lib/errors.ts";

export interface TreeEntry {
  /** From the folder, bytes as latin1. */
  readonly path: string;
  /** Where it is found now, through its held directory. */
  readonly at: Buffer;
  readonly stat: BigIntStats;
  /** The directory that it lies in. */
  readonly parent: OpenDirectory;
}

export interface OpenDirectory {
  readonly fd: number;
  readonly path: string;
  readonly stat: BigIntStats;
}

/** Opens a directory without following a link. @throws the system's error */
export function openDirectory(at: Buffer | string, path: string): OpenDirectory {
  const fd = openSync(at, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  return { fd, path, stat: fstatSync(fd, { bigint: true }) };
}

export const closeDirectory = ({ fd }: OpenDirectory): void => closeSync(fd);

/** What lies in a held directory, in the order of the names; what went away in the meantime is left out. */
export function entriesIn(directory: OpenDirectory): readonly TreeEntry[] {
  const names = readdirSync(`/proc/self/fd/${directory.fd}`, { encoding: "buffer" }).sort(Buffer.compare);
  return names.flatMap((name) => {
    const at = Buffer.concat([Buffer.from(`/proc/self/fd/${directory.fd}/`), name]);
    const path = directory.path === "" ? name.toString("latin1") : `${directory.path}/${name.toString("latin1")}`;
    const stat = lstatOf(at);
    return stat === undefined ? [] : [{ path, at, stat, parent: directory }];
  });
}

function lstatOf(at: Buffer): BigIntStats | undefined {
  try {
    return lstatSync(at, { bigint: true });
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
}
