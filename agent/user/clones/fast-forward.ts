/**
 * Fetches every clone and fast-forwards it where that is certainly safe; any other clone is left as it is, with a
 * warning.
 */

import { Refusal } from "../../lib/errors.ts";
import type { Ran } from "../../lib/exec.ts";
import { type Change, type Step, says } from "../../lib/converge.ts";
import { describeGitFailure } from "../../lib/git.ts";
import { restoreWrittenFiles, preserveFiles } from "./preserve-concurrent-writes.ts";
import { clonesOf } from "./clone-paths.ts";
import { type StepContext, displayPath } from "../home/step-context.ts";

const FETCH_TIMEOUT_MS = 60_000;

/** Updates a clone only on its branch, clean and with an upstream. Never merges, rebases or prompts. */
export function freshness(place: StepContext): Step {
  const fetched = new Set<string>();
  const refused = new Set<string>();
  return {
    name: "freshness",
    differences: async () => {
      const changes: Change[] = [];
      for (const clone of clonesOf(place)) {
        if (place.mode === "apply" && !place.offline && !fetched.has(clone)) {
          fetched.add(clone);
          await fetchAll(place, clone);
        }
        if (!refused.has(clone)) changes.push(...(await fastForwardChanges(place, clone, refused)));
      }
      return changes;
    },
  };
}

/** Remote-tracking refs are the remote's, not the person's, so a fetch is a look: it is made before differences are told. */
async function fetchAll(place: StepContext, clone: string): Promise<void> {
  const options = [
    "--quiet",
    "--all",
    "--prune",
    "--no-recurse-submodules",
    "--no-write-fetch-head",
    "--no-auto-maintenance",
  ];
  const ran = await place.git.run(["fetch", ...options], { in: clone, timeoutMs: FETCH_TIMEOUT_MS, remote: true });
  if (ran.code !== 0)
    place.warn(`${displayPath(place, clone)} could not be fetched and was left unchanged: ${describeGitFailure(ran)}`);
}

/** The one change that updates the clone, or none and a warning that says why not. */
export async function fastForwardChanges(
  place: StepContext,
  clone: string,
  refused: Set<string>,
): Promise<readonly Change[]> {
  const name = displayPath(place, clone);
  const read = (...args: string[]) => place.git.run(args, { in: clone });
  // An earlier update was killed half way: first of all the person has back what they wrote in it.
  if (place.mode === "apply") await giveBackTo(place, clone);
  const branches = await read(
    "for-each-ref",
    "--format=%(HEAD)%00%(refname:short)%00%(upstream)%00%(upstream:track,nobracket)",
    "refs/heads",
  );
  if (branches.code !== 0) {
    place.warn(`${name} cannot be read by git and was left unchanged: ${describeGitFailure(branches)}`);
    return [];
  }
  const current = branches.stdout
    .split("\n")
    .map((line) => line.split("\0"))
    .find(([head]) => head === "*");
  if (current === undefined) {
    place.warn(`${name} is on no branch (detached), so it is not updated`);
    return [];
  }
  const [, branch = "", upstream = "", track = ""] = current;
  if (branch !== place.part.infra.branch && branch !== "main" && branch !== "master") return [];
  if (upstream === "") {
    place.warn(`${name}: ${branch} has no upstream, so it is not updated`);
    return [];
  }
  if (track === "" || /^ahead \d+$/.test(track)) return [];
  if (!/^behind \d+$/.test(track)) {
    place.warn(
      `${name}: ${branch} and its upstream have ${track === "gone" ? "diverged: the upstream is gone" : `diverged (${track})`}, so it is not updated`,
    );
    return [];
  }
  const dirty = await read("status", "--porcelain", "-z", "--untracked-files=no", "--ignore-submodules=all");
  if (dirty.code !== 0 || dirty.stdout !== "") {
    const why = dirty.code === 0 ? "has uncommitted changes" : describeGitFailure(dirty);
    place.warn(`${name} ${why}, so it is not updated (${track})`);
    return [];
  }
  const apply = async () => {
    const ran = await fastForward(place, clone, upstream);
    if (ran.code === 0) return undefined;
    // The person's own work may have come in between; git has refused, and their clone is as they made it.
    refused.add(clone);
    place.warn(`${name} was not updated: ${describeGitFailure(ran)}`);
    return "not done" as const;
  };
  return [{ point: "fast-forward", says: says("update", `${name}, ${branch} was ${track}`), apply }];
}

/**
 * The files that the update replaces or takes away are kept aside meanwhile; when they cannot be told, nothing is merged.
 * Of an update that changes more than 4 MiB of names the first part is kept.
 *
 * @returns what git said of the merge, or of the look before it
 */
async function fastForward(place: StepContext, clone: string, upstream: string): Promise<Ran> {
  const options = { in: clone, timeoutMs: FETCH_TIMEOUT_MS };
  const replaced = ["--name-only", "-z", "--no-renames", "--diff-filter=MDT", "--ignore-submodules=all"];
  const differ = await place.git.run(["diff", ...replaced, "HEAD", upstream, "--"], options);
  if (differ.code !== 0) return differ;
  preserveFiles(
    clone,
    differ.stdout.split("\0").filter((path) => path !== ""),
  );
  const merged = await place.git.run(["merge", "--ff-only", "--quiet", "--no-edit", "--", upstream], options);
  await giveBackTo(place, clone);
  return merged;
}

async function giveBackTo(place: StepContext, clone: string): Promise<void> {
  const options = ["--porcelain", "-z", "--no-renames", "--untracked-files=all", "--ignore-submodules=all"];
  const touched = async () => {
    const ran = await place.git.run(["status", ...options], { in: clone });
    if (ran.code !== 0)
      throw new Refusal(`${displayPath(place, clone)} cannot be inspected: ${describeGitFailure(ran)}`);
    // `XY path`, one after the other.
    return new Set(ran.stdout.split("\0").map((entry) => entry.slice(3)));
  };
  for (const path of await restoreWrittenFiles(clone, touched))
    place.warn(`${displayPath(place, clone)}/${path} was written to during the update: it is as it was written`);
}
