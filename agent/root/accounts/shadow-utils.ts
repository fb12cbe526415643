/** Runs a program of shadow-utils (`usermod`, `useradd`, …) and waits while somebody else holds its lock. */

import { Refusal } from "../../lib/errors.ts";
import { type Ran, describeFailure } from "../../lib/exec.ts";
import type { Machine } from "../system/cached-accounts-and-units.ts";

const LOCK_WAIT_MS = 30_000;
const LOCK_RETRY_MS = 1000;

/** Whoever holds the lock for that long holds it from everybody: one wait is enough for a run. */
const waitedInVain = new WeakSet<Machine>();

/** Somebody may hold `/etc/.pwd.lock` (`vipw`, another tool): waited for up to 30 s in all, then told. */
export async function runShadowUtility(m: Machine, argv: readonly string[]): Promise<void> {
  const until = performance.now() + (waitedInVain.has(m) ? 0 : LOCK_WAIT_MS);
  for (;;) {
    const ran = await m.sys.run(argv, { timeoutMs: LOCK_WAIT_MS });
    if (ran.code === 0) return;
    if (!isLocked(ran)) throw new Refusal(describeFailure(ran));
    if (performance.now() >= until) {
      waitedInVain.add(m);
      throw new Refusal(describeFailure(ran));
    }
    await new Promise((resolve) => setTimeout(resolve, LOCK_RETRY_MS));
  }
}

const isLocked = (ran: Ran): boolean => /cannot lock|try again later/i.test(ran.stderr);
