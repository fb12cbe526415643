/** Fills a new home from the host's skel directory. Root reads that directory, and the home's person writes below the home. */

import { asset } from "../../lib/assets.ts";
import { Refusal } from "../../lib/errors.ts";
import { describeFailure } from "../../lib/exec.ts";
import type { User } from "../system/account-database.ts";
import type { Machine } from "../system/cached-accounts-and-units.ts";
import type { System } from "../system/privileged-operations.ts";
import { containedArgv } from "../system/run-as-user.ts";
import { stoppedOnExit } from "../system/stop-child-units.ts";

const DEADLINE_MS = 120_000;
const DEFAULTS = "/etc/default/useradd";

/**
 * What a killed run has left out is added, and what is there stays, so it can be run again.
 *
 * @throws Refusal where anything of the skel directory could not be copied
 */
export async function fillHome(m: Machine, user: User): Promise<void> {
  const skel = skelDirectory(m.sys);
  if (m.sys.look(skel) === undefined) return;
  const of = { user, name: "skel", argv: fillArgv(user.home), deadlineMs: DEADLINE_MS };
  const { argv, end } = containedArgv(m.sys, of);
  // The end of the pipe is the end of the unit, and a unit that is still about to start would fill the home later.
  const ran = await stoppedOnExit(end, () => m.sys.run(pipelineFrom(skel, argv), { timeoutMs: DEADLINE_MS + 10_000 }));
  if (ran.timedOut) await end();
  if (ran.code === 0) return;
  const why = describeFailure({ ...ran, argv: [`the copy of ${skel}`] }, DEADLINE_MS);
  throw new Refusal(`${user.home} could not be filled: ${why}; the next run tries again`);
}

/** As `useradd` determines it; see `useradd(8)`. */
export function skelDirectory(sys: System): string {
  const lines = (sys.read(DEFAULTS)?.toString("utf8") ?? "").split("\n");
  return lines.findLast((line) => line.startsWith("SKEL="))?.slice("SKEL=".length) || "/etc/skel";
}

/** Exported for the tests: what runs as the person. */
export const fillArgv = (home: string): readonly string[] => [
  "/bin/sh",
  "-c",
  asset("fill-home.sh"),
  "fill-home",
  home,
];

/** A file of the skel directory that root could not read is missing, so root's side decides as well. */
const PIPELINE = 'skel=$1; shift; tar --create --file=- --directory="$skel" . | "$@"';

/** Exported for the tests. Bash takes a socket on its input for a remote login, and would read root's start files. */
export const pipelineFrom = (skel: string, argv: readonly string[]): readonly string[] => [
  ...["/bin/bash", "--noprofile", "--norc", "-o", "pipefail", "-c", PIPELINE, "bash", skel],
  ...argv,
];
