/** Reduces the cluster's user map to the fields that the program reads, for previews, which do not read Vault. Pure. */

import { renderProblem } from "../../roster/render-problem.ts";
import { loadUserMap } from "../../roster/user-map.ts";
import { StepError } from "../environment.ts";

/**
 * Others write the map too, and may put anything beside the fields that are read here.
 * @param file where the map stands, for the message
 * @throws StepError with every problem of the map
 */
export function publishableUserMap(text: string, file: string): string {
  const loaded = loadUserMap(text, file);
  if (!loaded.ok) throw new StepError(loaded.problems.map(renderProblem).join("\n"));
  return JSON.stringify(Object.fromEntries(loaded.userMap.entries), undefined, 1);
}
