/** Names the paths of a user's clones, and creates the plain directory around them in a workspace. */

import { mkdirSync } from "node:fs";
import { kindOf, look } from "../../lib/files.ts";
import { type Step, says } from "../../lib/converge.ts";
import type { Place } from "../home/step-context.ts";

export const codeOf = (place: Place): string => `${place.home}/code`;
export const infraOf = (place: Place): string =>
  place.part.layout === "workspace" ? `${codeOf(place)}/infra` : codeOf(place);

/** A repository of its own: `.git` is a directory. A worktree's or submodule's `.git` file is not one. */
export const isClone = (path: string): boolean =>
  look(path)?.isDirectory() === true && look(`${path}/.git`)?.isDirectory() === true;

/** The clones that this program keeps fresh, as they are now. */
export function clonesOf(place: Place): readonly string[] {
  const all = [
    infraOf(place),
    ...(place.part.layout === "workspace" ? place.part.repos.map((r) => `${codeOf(place)}/${r.name}`) : []),
  ];
  return all.filter(isClone);
}

/** Whether something is at the path that is no clone and must stay as it is. A symbolic link counts as something. */
export function inTheWay(place: Place, path: string): string | undefined {
  const there = look(path);
  if (there === undefined || isClone(path)) return undefined;
  return `${path.replace(`${place.home}/`, "~/")} is ${kindOf(there)} and not a clone: left unchanged`;
}

/** In a workspace `~/code` is a plain directory. */
export function codeDirectory(place: Place): Step {
  const code = codeOf(place);
  return {
    name: "layout",
    differences: () => {
      if (place.part.layout !== "workspace") return [];
      const there = look(code);
      if (there !== undefined && !there.isDirectory())
        place.warn(`~/code is ${kindOf(there)}: left unchanged, nothing is cloned`);
      if (there !== undefined) return [];
      return [{ point: "code-make", says: says("create", "~/code"), apply: () => mkdirSync(code, { mode: 0o755 }) }];
    },
  };
}
