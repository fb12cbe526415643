/**
 * Ends all processes of an account by a helper process that sends one signal to everything that the account's uid may
 * signal.
 *
 * The kernel sends that signal in one call, so nothing can be forked past it, and nobody else's process can be hit by a
 * reused number. See `kill(2)`: a sender reaches processes whose real or saved uid is the sender's real or effective uid.
 * The helper therefore takes the account's uid as its effective uid alone. Its real and saved uids are those of nobody, so
 * no process of the account can signal it.
 */

import { asset } from "../../lib/assets.ts";
import { Refusal } from "../../lib/errors.ts";
import { describeFailure } from "../../lib/exec.ts";
import type { User } from "../system/account-database.ts";
import type { Machine } from "../system/cached-accounts-and-units.ts";
import { NO_SUBORDINATES, processesWith } from "./find-processes.ts";
import { isSubordinate } from "./subordinate-uids.ts";

const TRIES = 50;
const PAUSE_MS = 100;
/** There are up to 65536 subordinate uids, each with a signal of its own; nobody else waits longer for that. */
const LIMIT_MS = 60_000;

/**
 * Ends everything of a uid and of the subordinate ones. A process under a subordinate uid can become its user again, so
 * all of them are looked for each time.
 *
 * @throws Refusal when a helper failed and processes are left
 */
export async function endProcesses(m: Machine, user: User, isTheirs = NO_SUBORDINATES): Promise<void> {
  const endsMs = performance.now() + LIMIT_MS;
  let failure: string | undefined;
  for (let tried = 0; tried < TRIES; tried += 1) {
    const found = processesWith(m.sys, (uid) => uid === user.uid || isTheirs(uid));
    if (found.length === 0) return;
    if (performance.now() > endsMs) break;
    const uids = [...new Set([user.uid, ...found.flatMap((process) => process.uids)])].sort((a, b) => a - b);
    const ran = await m.sys.run(helperArgv(unusedUid(m), uids), { timeoutMs: LIMIT_MS });
    failure =
      ran.code === 0 ? undefined : describeFailure({ ...ran, argv: ["end-all.pl", ...uids.map(String)] }, LIMIT_MS);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  if (failure !== undefined) throw new Refusal(`the processes of ${user.name} could not be ended: ${failure}`);
}

/** `CAP_SETUID` alone lets the helper take the account's uid; without `CAP_KILL` it reaches nobody else's processes. */
function helperArgv(as: number, uids: readonly number[]): readonly string[] {
  const ids = ["--reuid", String(as), "--regid", String(as), "--clear-groups", "--no-new-privs", "--reset-env"];
  const capabilities = ["--inh-caps=-all,+setuid", "--ambient-caps=-all,+setuid"];
  return ["/usr/bin/setpriv", ...ids, ...capabilities, "--", "/usr/bin/perl", "-e", HELPER, "--", ...uids.map(String)];
}

const HELPER = asset("end-all.pl");

/** Debian and systemd give these uids to nobody. */
const RESERVED = Array.from({ length: 14 }, (_, at) => 65_520 + at);

/** A uid without account, subordinate range or process: a container's image may have one all the same. */
function unusedUid(m: Machine): number {
  const accounts = new Set([...m.accounts().users.values()].map(({ uid }) => uid));
  const running = new Set(processesWith(m.sys, (uid) => RESERVED.includes(uid)).flatMap(({ uids }) => uids));
  const unused = RESERVED.find((uid) => !accounts.has(uid) && !running.has(uid) && !isSubordinate(m.sys, uid));
  if (unused !== undefined) return unused;
  throw new Refusal(
    `expected an unused uid from ${RESERVED[0]} to ${RESERVED.at(-1)}, which ending a user's processes needs, but all of ` +
      "them have an account, a range in /etc/subuid or a process; free one of them",
  );
}
