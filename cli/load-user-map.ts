/** Implements the option `--k8s-users FILE`: loads the cluster's user map from a file. */

import type { Problem, UserMap } from "../roster/model.ts";
import { loadUserMap } from "../roster/user-map.ts";
import { readInput } from "./read-input.ts";

/** The map, nothing where none was asked for, or the problems that must never be taken for an empty map. */
export function userMapFrom(file: string | undefined): {
  readonly userMap?: UserMap;
  readonly problems: readonly Problem[];
} {
  if (file === undefined) return { problems: [] };
  const input = readInput(file);
  if (!input.ok) return { problems: [input.problem] };
  const loaded = loadUserMap(input.bytes, file);
  return loaded.ok ? { userMap: loaded.userMap, problems: [] } : { problems: loaded.problems };
}
