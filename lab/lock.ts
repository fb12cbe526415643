/**
 * Holds a lock between processes that the kernel ends with its holder, so that a killed run never leaves one behind.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { BASE_ENV } from "./run.ts";
import { LabError } from "./lab-error.ts";

export interface LockOptions {
  /** What the holder does, for whoever has to wait: "building etcd". */
  readonly what: string;
  /** How long to wait for another holder. */
  readonly withinMs: number;
  /** Called once, with who holds the lock, when it has to be waited for. */
  readonly onWait?: (holder: string) => void;
}

/**
 * Does something while holding the lock file at `path` (its folder must exist). Throws `LabError` naming the holder when
 * the lock is not free in time.
 */
export async function withLock<T>(path: string, options: LockOptions, action: () => Promise<T>): Promise<T> {
  const release = (await tryLock(path, 0)) ?? (await waitForLock(path, options));
  try {
    await writeFile(path, `${options.what} (process ${process.pid})\n`);
    return await action();
  } finally {
    await release();
  }
}

async function waitForLock(path: string, options: LockOptions): Promise<() => Promise<void>> {
  options.onWait?.(await holderOf(path));
  const release = await tryLock(path, options.withinMs);
  if (release !== undefined) return release;
  throw new LabError(
    `${options.what}: waited ${options.withinMs / 1000} s for ${path}, which is held by ${await holderOf(path)}. ` +
      "Let that run end, or end it, then try again.",
  );
}

const holderOf = async (path: string): Promise<string> => (await readFile(path, "utf8")).trim() || "another run";

/**
 * The lock is held by a `flock` of our own: it ends when its input is closed, which the kernel does for whoever is killed.
 * Exit code 75 means that the lock was not free in time.
 */
async function tryLock(path: string, withinMs: number): Promise<(() => Promise<void>) | undefined> {
  const wait = withinMs === 0 ? ["--nonblock"] : ["--wait", String(withinMs / 1000)];
  const child = spawn("flock", [...wait, "--conflict-exit-code", "75", path, "sh", "-c", "echo held; exec cat"], {
    env: BASE_ENV,
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = once(child, "close");
  const held = await Promise.race([
    once(child.stdout, "data").then(() => true),
    ended.then(([code]) =>
      code === 75 ? false : Promise.reject(new LabError(`${path}: flock ended with code ${code}`)),
    ),
  ]);
  if (!held) return undefined;
  return async () => {
    child.stdin.end();
    await ended;
  };
}
