/** Holds an exclusive lock on a directory of the user's own while something is done, by the system's `flock`. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { Refusal } from "../../lib/errors.ts";
import { ROOT_ENV } from "../../lib/exec.ts";

const WAIT_SECONDS = 20;
const NOT_FREE = 75;

/**
 * The lock is a child's, which ends with its input: it is free again however this process ends.
 *
 * @throws Refusal where another process holds it for too long
 */
export async function holdingLock<T>(directory: string, act: () => Promise<T>, waitSeconds = WAIT_SECONDS): Promise<T> {
  const options = ["--exclusive", "--wait", String(waitSeconds), "--conflict-exit-code", String(NOT_FREE), "--no-fork"];
  // With the dot: flock would make a file where there is no such directory.
  const child = spawn("/usr/bin/flock", [...options, `${directory}/.`, "/bin/cat"], {
    env: ROOT_ENV,
    stdio: ["pipe", "pipe", "ignore"],
  });
  // Comes back as soon as the lock is held. Where it is not, nobody reads it.
  child.stdin.on("error", () => undefined).write("held");
  const ended = once(child, "close");
  const first = await Promise.race([once(child.stdout, "data"), ended]);
  try {
    if (!String(first[0]).startsWith("held"))
      throw new Refusal(
        first[0] === NOT_FREE
          ? `${directory} is locked: another restore of this user still runs; try again in a minute`
          : `${directory} could not be locked: flock ended with ${String(first[0])}`,
      );
    return await act();
  } finally {
    child.stdin.end();
    await ended;
  }
}
