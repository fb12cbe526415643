/** Locks a clone while it is updated: in one step, and only as long as a process that works on the update lives. */

import { spawnSync } from "node:child_process";
import { closeSync, constants, fstatSync, openSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { Refusal } from "../../lib/errors.ts";
import { ROOT_ENV } from "../../lib/exec.ts";
import { lstat } from "../../lib/files.ts";
import { clean } from "../../lib/log.ts";

const LOCK = ".git/workstation-lock";
const NOT_FREE = 75;
const TIMEOUT_MS = 10_000;
/** Each further attempt means that another process has released the lock in the same moment. */
const MOST_ATTEMPTS = 20;

export interface CloneLock {
  /** The open file that carries the lock: a program that inherits it holds the lock too, also when this process has ended. */
  readonly fd: number;
  release(): void;
}

/**
 * @returns undefined where another process holds the lock
 * @throws the file system's error where the file of the lock cannot be made
 */
export function lockClone(clone: string): CloneLock | undefined {
  const path = join(clone, LOCK);
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
    const fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
    const state = take(fd, path);
    if (state === "taken") return { fd, release: () => release(fd, path) };
    closeSync(fd);
    if (state === "held") return undefined;
  }
  return undefined;
}

/** Closes the file where it throws. */
function take(fd: number, path: string): "taken" | "held" | "removed" {
  try {
    if (!isLockedBy(fd, path)) return "held";
    // Whoever held the lock until now may have removed this very file, and another process may hold the next one.
    return isAt(fd, path) ? "taken" : "removed";
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

const isAt = (fd: number, path: string): boolean => fstatSync(fd).ino === lstat(path)?.ino;

/** The lock belongs to the open file, so it stays when the program that has taken it ends. */
function isLockedBy(fd: number, path: string): boolean {
  const argv = ["--exclusive", "--nonblock", "--conflict-exit-code", String(NOT_FREE), "3"];
  const ran = spawnSync("/usr/bin/flock", argv, {
    env: ROOT_ENV,
    stdio: ["ignore", "ignore", "pipe", fd],
    timeout: TIMEOUT_MS,
    killSignal: "SIGKILL",
    encoding: "utf8",
  });
  if (ran.status === 0) return true;
  if (ran.status === NOT_FREE) return false;
  const why = ran.error?.message ?? (ran.stderr.trim() || `flock ended with ${ran.status ?? "a signal"}`);
  throw new Refusal(`${path} could not be locked: ${clean(why)}`);
}

/** The file goes first: as long as it is there, nobody else can hold it. */
function release(fd: number, path: string): void {
  try {
    if (isAt(fd, path)) unlinkSync(path);
  } finally {
    closeSync(fd);
  }
}
