/** Moves a repository of the roster that was cloned inside the infra clone up beside it. */

import { lstat } from "../../lib/files.ts";
import { type Change, type Step, says } from "../../lib/converge.ts";
import { describeGitFailure } from "../../lib/git.ts";
import { codePath, infraPath, isReadableClone } from "./clone-paths.ts";
import { moveWithoutReplacing } from "./move-without-replacing.ts";
import type { StepContext } from "../home/step-context.ts";

/** Never moves a path that the infra repository tracks, and never overwrites an existing target. */
export function hoisting(context: StepContext): Step {
  return {
    name: "hoisting",
    differences: async () => {
      if (context.part.layout !== "workspace" || !isReadableClone(infraPath(context))) return [];
      const changes: Change[] = [];
      for (const { name } of context.part.repos) {
        const from = `${infraPath(context)}/${name}`;
        const to = `${codePath(context)}/${name}`;
        if (!isReadableClone(from)) continue;
        if (lstat(to) !== undefined) {
          context.warn(`~/code/infra/${name} is a clone, but ~/code/${name} exists too: both left unchanged`);
        } else if (await isUntracked(context, name)) {
          const apply = () => moveWithoutReplacing(from, to);
          changes.push({ point: "repo-hoist", says: says("move", `~/code/infra/${name} to ~/code/${name}`), apply });
        }
      }
      return changes;
    },
  };
}

/** Neither in the index nor in the last commit. What git cannot tell counts as tracked. */
async function isUntracked(context: StepContext, name: string): Promise<boolean> {
  const clone = infraPath(context);
  const index = await context.git.run(["--literal-pathspecs", "ls-files", "-z", "--", name], { in: clone });
  const commit = await context.git.run(["--literal-pathspecs", "ls-tree", "-z", "HEAD", "--", name], { in: clone });
  const bad = [index, commit].find((ran) => ran.code !== 0);
  if (bad !== undefined) context.warn(`~/code/infra/${name} was not moved: ${describeGitFailure(bad)}`);
  return bad === undefined && index.stdout === "" && commit.stdout === "";
}
