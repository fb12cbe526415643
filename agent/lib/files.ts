/**
 * Reads and replaces files, for root and for a user's process alike: bounded, without following a last link, by rename.
 */

import { randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  type Stats,
  writeSync,
} from "node:fs";
import { basename, dirname } from "node:path";
import { Refusal, systemCode } from "./errors.ts";

const ONE_MIB = 1024 * 1024;

/** Names of files that a killed run leaves behind; the next run may remove them. */
export const LEFTOVER = /^\..+\.workstation-[0-9a-f]{12}$/;

/** A name beside the target that nobody can guess. */
export const temporaryName = (path: string): string =>
  `${dirname(path)}/.${basename(path)}.workstation-${randomBytes(6).toString("hex")}`;

/** lstat; undefined when nothing is there. Every other error stays an error: absent is not unknown. */
export function lstat(path: string | Buffer): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

/**
 * The bytes of a small regular file; undefined when nothing is there.
 *
 * @throws Refusal for a link, a directory, a pipe, a socket or anything above the cap (1 MiB unless told).
 */
export function readSmallFile(path: string, capBytes = ONE_MIB): Buffer | undefined {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const code = systemCode(error);
    if (code === "ENOENT") return undefined;
    if (code === "ELOOP") throw new Refusal(`${path} is a symbolic link; it must be a regular file`);
    if (code === "ENXIO") throw new Refusal(`${path} is a socket or a pipe; it must be a regular file`);
    throw error;
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw new Refusal(`${path} is ${kindOf(stat)}; it must be a regular file`);
    const buffer = Buffer.alloc(Math.min(stat.size, capBytes) + 1);
    let length = 0;
    while (length < buffer.length) {
      const got = readSync(fd, buffer, length, buffer.length - length, null);
      if (got === 0) break;
      length += got;
    }
    if (length > capBytes || stat.size > capBytes) {
      throw new Refusal(`${path} is larger than ${capBytes} bytes, the limit for this file`);
    }
    return buffer.subarray(0, length);
  } finally {
    closeSync(fd);
  }
}

/** In words, for a message. */
export function kindOf(stat: Stats): string {
  if (stat.isSymbolicLink()) return "a symbolic link";
  if (stat.isDirectory()) return "a directory";
  if (stat.isFIFO()) return "a pipe";
  if (stat.isSocket()) return "a socket";
  return stat.isFile() ? "a file" : "a device";
}

export interface NewFile {
  readonly bytes: string | Buffer;
  readonly mode: number;
  /** Left as they come out of the writing process when absent. */
  readonly uid?: number;
  readonly gid?: number;
}

/** Replaces a file so that a reader sees the old one or the new one, whole, with its owner and mode already right. */
export function replaceFile(path: string, file: NewFile): void {
  const beside = temporaryName(path);
  const flags = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW;
  const fd = openSync(beside, flags, 0o600);
  try {
    try {
      if (file.uid !== undefined) fchownSync(fd, file.uid, file.gid ?? file.uid);
      fchmodSync(fd, file.mode);
      const bytes = Buffer.from(file.bytes);
      for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(beside, path);
  } catch (error) {
    rmSync(beside, { force: true });
    throw error;
  }
  syncDirectory(dirname(path));
}

/** A rename is only safe from a lost machine once the directory has been flushed too. */
export function syncDirectory(path: string): void {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
