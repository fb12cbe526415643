/** Names the paths of a user's clones, and creates the plain directory around them in a workspace. */

import { mkdirSync } from "node:fs";
import { kindOf, lstat } from "../../lib/files.ts";
import { type Step, says } from "../../lib/converge.ts";
import { Refusal } from "../../lib/errors.ts";
import { type StepContext, displayPath } from "../home/step-context.ts";
import { readOrNote, type Unread } from "../home/unread-paths.ts";

export const codePath = (context: StepContext): string => `${context.home}/code`;
export const infraPath = (context: StepContext): string =>
  context.part.layout === "workspace" ? `${codePath(context)}/infra` : codePath(context);

/** Where the clone waits between its two renames; that it is there is the record of an unfinished move. */
export const setAsideOf = (context: StepContext): string => `${context.home}/.code.workstation-moving`;

/** A repository of its own: `.git` is a directory. A worktree's or submodule's `.git` file is not one. */
export const isClone = (path: string): boolean =>
  lstat(path)?.isDirectory() === true && lstat(`${path}/.git`)?.isDirectory() === true;

/** A clone for certain: one that cannot be read keeps none of the others from being worked on. */
export const isReadableClone = (path: string): boolean => readOrNote(path, [], () => isClone(path)) === true;

/** Where the clone is that a failed migration has not moved to `~/code/infra`; undefined where the workspace may be worked on. */
export function unmovedClone(context: StepContext): string | undefined {
  if (context.part.layout !== "workspace") return undefined;
  if (isClone(codePath(context))) return codePath(context);
  const [aside, infra] = [setAsideOf(context), infraPath(context)];
  const isMoved = readOrNote(infra, [], () => lstat(infra)) !== undefined;
  return lstat(aside)?.isDirectory() === true && !isMoved ? aside : undefined;
}

/** The clones that this program keeps fresh, as they are now. */
export function clonesOf(context: StepContext): readonly string[] {
  const all = [
    infraPath(context),
    ...(context.part.layout === "workspace" ? context.part.repos.map((r) => `${codePath(context)}/${r.name}`) : []),
  ];
  return all.filter(isReadableClone);
}

/** Whether something is at the path that is no readable clone and must stay as it is. A symbolic link counts as something. */
export function obstacleAt(context: StepContext, path: string): string | undefined {
  const there = lstat(path);
  const unread: Unread[] = [];
  if (there === undefined || readOrNote(path, unread, () => isClone(path)) === true) return undefined;
  const [hidden] = unread;
  const why = hidden === undefined ? `is ${kindOf(there)} and not a clone` : `cannot be read (${hidden.code})`;
  return `${displayPath(context, path)} ${why}: left unchanged`;
}

/**
 * In a workspace `~/code` is a plain directory.
 *
 * @throws Refusal where the migration has failed: nothing may be cloned into a clone, nor into the place of one
 */
export function codeDirectory(context: StepContext): Step {
  const code = codePath(context);
  return {
    name: "layout",
    differences: () => {
      if (context.part.layout !== "workspace") return [];
      const unmoved = unmovedClone(context);
      if (unmoved !== undefined && context.mode === "apply")
        throw new Refusal(
          `${displayPath(context, unmoved)} is still the clone that ~/code/infra must be, so nothing is cloned, moved or updated below ~/code: resolve what the step migration reports, or move the clone by hand`,
        );
      if (unmoved !== undefined) return [];
      const there = lstat(code);
      if (there !== undefined && !there.isDirectory())
        context.warn(`~/code is ${kindOf(there)}: left unchanged, nothing is cloned`);
      if (there !== undefined) return [];
      return [{ point: "code-make", says: says("create", "~/code"), apply: () => mkdirSync(code, { mode: 0o755 }) }];
    },
  };
}
