/** Describes why git did not merge an update, with the files that are in its way. */

import type { Ran } from "../../lib/exec.ts";
import { clean } from "../../lib/log.ts";
import type { CloneContext } from "../home/step-context.ts";
import type { ChangedFile } from "./changed-files.ts";
import { describeFilterFailure } from "./describe-filter-failure.ts";
import { firstOf } from "./find-unsafe-state.ts";

/** Git's reason with the files that it names, or with the filter that failed for one of the update's files. */
export async function describeMergeFailure(
  context: CloneContext,
  clone: string,
  ran: Ran,
  files: readonly ChangedFile[],
): Promise<string> {
  const listed = (header: RegExp) =>
    (header.exec(ran.stderr)?.[1] ?? "")
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => line !== "");
  const changed = listed(/local changes to the following files would be overwritten by merge:\n((?:\t.*\n)+)/);
  const hidden = await hiddenFrom(context, clone, changed);
  const why = describeObstacles({
    entries: listed(/untracked working tree files would be [a-z]+ by merge:\n((?:\t.*\n)+)/),
    directories: listed(/directories would lose untracked files in them:\n((?:\t.*\n)+)/),
    changed: changed.filter((path) => !hidden.includes(path)),
    hidden,
  });
  return (
    why ??
    describeFilterFailure(
      context,
      clone,
      ran,
      files.map(({ path }) => path),
    )
  );
}

/** Those of the paths whose changes `git status` does not show, since their person has marked them in the index. */
async function hiddenFrom(context: CloneContext, clone: string, paths: readonly string[]): Promise<readonly string[]> {
  if (paths.length === 0) return [];
  const ran = await context.git.run(["--literal-pathspecs", "ls-files", "-v", "-z", "--", ...paths], { in: clone });
  // `H path`; another letter for a marked one: small for `--assume-unchanged`, `S` for `--skip-worktree`.
  const marked = ran.stdout.split("\0").filter((entry) => /^[a-zS] /.test(entry));
  return marked.map((entry) => entry.slice(2));
}

const OBSTACLES = {
  entries: "which git does not track here, is in the place of a file of the update: move it away",
  directories: "which holds files that git does not track, is in the place of a file of the update: move it away",
  changed: "which the update replaces, has changes that are not committed",
  hidden:
    "which the update replaces, has changes that git status does not show: it is marked --assume-unchanged or --skip-worktree",
} as const;

/** Why the update would lose something at these paths; undefined where there are none. */
export function describeObstacles(
  paths: Partial<Record<keyof typeof OBSTACLES, readonly string[]>>,
): string | undefined {
  const kinds = ["entries", "directories", "changed", "hidden"] as const;
  const sentences = kinds.flatMap((kind) => {
    const named = paths[kind] ?? [];
    return named.length === 0 ? [] : [`${firstOf(named)}, ${OBSTACLES[kind]}`];
  });
  return sentences.length > 0 ? clean(sentences.join("; ")) : undefined;
}
