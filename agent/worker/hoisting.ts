/** A roster repo that lies inside the infra clone as a nested clone of its own is moved up beside it. */

import { look } from "../disk.ts";
import { type Change, type Step, says } from "../step.ts";
import { gitSays } from "./git.ts";
import { codeOf, infraOf, isClone } from "./layout.ts";
import { moveWithoutReplacing } from "./move.ts";
import type { Place } from "./place.ts";

/** A path that the infra repo tracks is never moved; an existing target is never overwritten. */
export function hoisting(place: Place): Step {
  return {
    name: "hoisting",
    differences: async () => {
      if (place.part.layout !== "workspace" || !isClone(infraOf(place))) return [];
      const changes: Change[] = [];
      for (const { name } of place.part.repos) {
        const from = `${infraOf(place)}/${name}`;
        const to = `${codeOf(place)}/${name}`;
        if (!isClone(from)) continue;
        if (look(to) !== undefined) {
          place.warn(`~/code/infra/${name} is a clone, and ~/code/${name} exists too: neither is touched`);
        } else if (await isUntracked(place, name)) {
          const apply = () => moveWithoutReplacing(from, to);
          changes.push({ point: "repo-hoist", says: says("move", `~/code/infra/${name} to ~/code/${name}`), apply });
        }
      }
      return changes;
    },
  };
}

/** Neither in the index nor in the last commit. What git cannot tell counts as tracked. */
async function isUntracked(place: Place, name: string): Promise<boolean> {
  const clone = infraOf(place);
  const index = await place.git.run(["--literal-pathspecs", "ls-files", "-z", "--", name], { in: clone });
  const commit = await place.git.run(["--literal-pathspecs", "ls-tree", "-z", "HEAD", "--", name], { in: clone });
  const bad = [index, commit].find((ran) => ran.code !== 0);
  if (bad !== undefined) place.warn(`~/code/infra/${name} stays where it is: ${gitSays(bad)}`);
  return bad === undefined && index.stdout === "" && commit.stdout === "";
}
