/** Moves a file or directory without ever replacing another, which `rename(2)` would do silently. */

import { lstat } from "../../lib/files.ts";
import { Refusal } from "../../lib/errors.ts";
import { run, describeFailure } from "../../lib/exec.ts";

/** @throws Refusal when something is at the target: both stay where they are. */
export async function moveWithoutReplacing(from: string, to: string): Promise<void> {
  const ran = await run(["/usr/bin/mv", "--no-clobber", "--no-target-directory", "--", from, to], {
    timeoutMs: 60_000,
    env: { PATH: "/usr/bin:/bin", LANG: "C.UTF-8" },
  });
  if (ran.code !== 0) throw new Refusal(describeFailure(ran));
  if (lstat(from) !== undefined) throw new Refusal(`${from} was not moved: ${to} exists and is never overwritten`);
}
