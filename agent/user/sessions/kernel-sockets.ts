/** Asks the kernel which sockets are listened on, by a source that nobody else can write to. */

import { Refusal } from "../../lib/errors.ts";
import { describeFailure, run } from "../../lib/exec.ts";
import type { ListedSocket } from "../../shared/sessions/tmux-socket.ts";

/** What tells of processes and sockets; tests have their own. */
export interface Kernel {
  /** Where its folder of processes is mounted. */
  readonly proc: string;
  /** The sockets that certainly are listened on under these paths. @throws Refusal where that cannot be told */
  listening(paths: readonly string[]): Promise<readonly ListedSocket[]>;
}

const SS = "/usr/bin/ss";
const ANSWER_WITHIN_MS = 5000;

/** `ss` reads one message a socket, and compares whole names: what it prints holds no other name than these. */
export const KERNEL: Kernel = {
  proc: "/proc",
  async listening(paths) {
    const filter = paths.flatMap((path) => ["or", "src", `unix:${escaped(path)}`]).slice(1);
    const ran = await run([SS, "-xlHe", ...filter], { timeoutMs: ANSWER_WITHIN_MS });
    if (ran.code !== 0 || ran.timedOut || ran.overflowed)
      throw new Refusal(
        `it cannot be told who listens on ${paths[0]}: ${describeFailure(ran, ANSWER_WITHIN_MS)}; ss is in the package iproute2`,
      );
    const lines = ran.stdout.split("\n").filter((line) => line !== "");
    return lines.flatMap((line) => {
      // Netid State Recv-Q Send-Q Local:Port Peer:Port, and of a message alone what the socket's file is
      const [, path, inode, file] = /^\S+ +LISTEN +\d+ +\d+ +(\/.*) (\d+) +\* +\d+( .*\bino:\d+)?/.exec(line) ?? [];
      if (path === undefined || inode === undefined || !paths.includes(path)) return [];
      if (file === undefined)
        throw new Refusal(`it cannot be told who listens on ${path}: the kernel does not answer ss (module unix_diag)`);
      return [{ inode, path }];
    });
  },
};

/** Once for the filter's language, and once for the pattern that it takes. */
const escaped = (path: string): string => path.replace(/[^A-Za-z0-9_/.-]/gu, "\\\\\\$&");
