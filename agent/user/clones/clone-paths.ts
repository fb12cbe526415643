/** Names the paths of a user's clones, and creates the plain directory around them in a workspace. */

import { mkdirSync } from "node:fs";
import { kindOf, lstat } from "../../lib/files.ts";
import { type Step, says } from "../../lib/converge.ts";
import type { StepContext } from "../home/step-context.ts";

export const codePath = (context: StepContext): string => `${context.home}/code`;
export const infraPath = (context: StepContext): string =>
  context.part.layout === "workspace" ? `${codePath(context)}/infra` : codePath(context);

/** A repository of its own: `.git` is a directory. A worktree's or submodule's `.git` file is not one. */
export const isClone = (path: string): boolean =>
  lstat(path)?.isDirectory() === true && lstat(`${path}/.git`)?.isDirectory() === true;

/** The clones that this program keeps fresh, as they are now. */
export function clonesOf(context: StepContext): readonly string[] {
  const all = [
    infraPath(context),
    ...(context.part.layout === "workspace" ? context.part.repos.map((r) => `${codePath(context)}/${r.name}`) : []),
  ];
  return all.filter(isClone);
}

/** Whether something is at the path that is no clone and must stay as it is. A symbolic link counts as something. */
export function obstacleAt(context: StepContext, path: string): string | undefined {
  const there = lstat(path);
  if (there === undefined || isClone(path)) return undefined;
  return `${path.replace(`${context.home}/`, "~/")} is ${kindOf(there)} and not a clone: left unchanged`;
}

/** In a workspace `~/code` is a plain directory. */
export function codeDirectory(context: StepContext): Step {
  const code = codePath(context);
  return {
    name: "layout",
    differences: () => {
      if (context.part.layout !== "workspace") return [];
      const there = lstat(code);
      if (there !== undefined && !there.isDirectory())
        context.warn(`~/code is ${kindOf(there)}: left unchanged, nothing is cloned`);
      if (there !== undefined) return [];
      return [{ point: "code-make", says: says("create", "~/code"), apply: () => mkdirSync(code, { mode: 0o755 }) }];
    },
  };
}
