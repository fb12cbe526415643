/** Updates a user's clones when they start a session: by the rules of the hourly run, within some seconds. */

import { readdirSync } from "node:fs";
import { userInfo } from "node:os";
import { messageOf } from "../../lib/errors.ts";
import { lstat } from "../../lib/files.ts";
import { gitIn } from "../../lib/git.ts";
import { ownGitEnvironment } from "../../lib/git-environment.ts";
import { clean } from "../../lib/log.ts";
import type { CloneContext } from "../home/step-context.ts";
import { isReadableClone } from "./clone-paths.ts";
import { fastForwardChanges } from "./fast-forward.ts";
import { fetchRemotes } from "./fetch-remotes.ts";

/** A remote that has not answered by then is not waited for. The launcher gives all of it a few seconds more. */
const REMOTES_MS = 10_000;

/** Prints a line about each clone that is left as it is. Exit code 1 when a remote did not answer in time. */
export async function updateOwnClones(): Promise<number> {
  const { username, homedir } = userInfo();
  const abortSoon = AbortSignal.timeout(REMOTES_MS);
  const env = ownGitEnvironment(homedir, username, process.env);
  process.chdir("/");
  const answered = await Promise.all(
    clonesBelow(`${homedir}/code`).map(async (clone) => {
      const git = gitIn(homedir, env, abortSoon);
      const said = new Set<string>();
      const warn = (sentence: string) => void said.add(clean(sentence));
      // Only `main` and `master` are updated here: which branch the stack's is, this process is not told.
      const infra = { origin: "", forgejo: "", branch: "master" };
      try {
        await update({ part: { infra }, mode: "apply", home: homedir, git, warn }, clone);
      } catch (error) {
        warn(`${clone}: ${messageOf(error)}`);
      }
      for (const sentence of said) process.stdout.write(`${sentence}\n`);
      return !git.unfinished();
    }),
  );
  return answered.every(Boolean) ? 0 : 1;
}

async function update(context: CloneContext, clone: string): Promise<void> {
  await fetchRemotes(context, clone);
  for (const change of await fastForwardChanges(context, clone, new Set())) await change.apply();
}

/** A single clone at `~/code`, or a workspace with its clones side by side. */
function clonesBelow(code: string): readonly string[] {
  if (lstat(code)?.isDirectory() !== true) return [];
  return [code, ...readdirSync(code).map((name) => `${code}/${name}`)].filter(isReadableClone);
}
