/**
 * Configures the remotes of the infra clone: pushes go to `forgejo`, which the branch tracks, and `origin` stays the
 * mirror.
 */

import { Refusal } from "../../lib/errors.ts";
import { type Change, type Step, says } from "../../lib/converge.ts";
import { LOCKED_FILTER } from "./clone-missing.ts";
import { fetchRemote, remoteOf } from "./fetch-remotes.ts";
import { describeGitFailure } from "../../lib/git.ts";
import { readGitConfig } from "../home/git-config.ts";
import { infraPath, isClone } from "./clone-paths.ts";
import { type StepContext, displayPath } from "../home/step-context.ts";

const FETCH_TIMEOUT_MS = 60_000;

/** A clone that predates the remote gets it. Where the remote does not answer, a warning is given and the clone stays as it is. */
export function remotes(context: StepContext): Step {
  const clone = infraPath(context);
  const { forgejo, branch } = context.part.infra;
  const name = displayPath(context, clone);
  const offline = { seen: context.offline === true };
  const git = async (...args: string[]) => {
    const ran = await context.git.run(args, { in: clone, timeoutMs: FETCH_TIMEOUT_MS });
    if (ran.code !== 0) throw new Refusal(describeGitFailure(ran));
  };
  return {
    name: "remotes",
    differences: async () => {
      if (!isClone(clone)) return [];
      const config = await readGitConfig(context, clone);
      const changes: Change[] = [];
      if (config.get("filter.git-crypt.smudge") === undefined) {
        const apply = async () => {
          for (const [key, value] of LOCKED_FILTER) await git("config", "--local", key, value);
        };
        changes.push({
          point: "locked-filter",
          says: says("set", `the pass-through for encrypted files in ${name}`),
          apply,
        });
      }
      const url = config.get("remote.forgejo.url");
      if (url !== undefined && url !== forgejo)
        context.warn(`${name}: remote forgejo has a different URL than the stack's: left unchanged`);
      if (url === undefined) {
        const apply = () => git("remote", "add", "--", "forgejo", forgejo);
        changes.push({ point: "remote-add", says: says("add", `remote forgejo to ${name}`), apply });
      }
      // Cloned from the mirror, a branch tracks the mirror; what the person chose besides those two stays.
      const tracks = config.get(`branch.${branch}.remote`);
      if (!offline.seen && (tracks === undefined || tracks === "origin")) {
        const apply = async () => {
          if (await track(context, clone, branch)) return undefined;
          offline.seen = true;
          return "not done" as const;
        };
        changes.push({
          point: "remote-track",
          says: says("set", `${branch} of ${name} to track forgejo/${branch}`),
          apply,
        });
      }
      return changes;
    },
  };
}

/** Only once the remote's branch has been seen, so that `git pull` never points at nothing. */
async function track(context: StepContext, clone: string, branch: string): Promise<boolean> {
  const fetched = await fetchRemote(context, clone, await remoteOf(context, clone, "forgejo"));
  const set =
    fetched.code === 0
      ? await context.git.run(["branch", "--quiet", `--set-upstream-to=forgejo/${branch}`, "--", branch], { in: clone })
      : fetched;
  if (set.code !== 0)
    context.warn(
      `${displayPath(context, clone)}: forgejo is not tracked yet, which the next run retries: ${describeGitFailure(set)}`,
    );
  return set.code === 0;
}
