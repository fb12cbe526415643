/**
 * Clones missing repositories beside their target and moves them into place whole, so that a killed run leaves no
 * partial clone.
 */

import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { lstat } from "../../lib/files.ts";
import { type Change, type Step, says } from "../../lib/converge.ts";
import { describeGitFailure } from "../../lib/git.ts";
import { codePath, obstacleAt, infraPath } from "./clone-paths.ts";
import { describeFilterFailure } from "./describe-filter-failure.ts";
import { moveWithoutReplacing } from "./move-without-replacing.ts";
import { type StepContext, displayPath } from "../home/step-context.ts";

const CLONE_TIMEOUT_MS = 10 * 60_000;

/** Encrypted files stay as they are stored: the filter passes everything through, and is there before the checkout. */
export const LOCKED_FILTER = new Map([
  ["filter.git-crypt.smudge", "cat"],
  ["filter.git-crypt.clean", "cat"],
  ["filter.git-crypt.required", "false"],
]);

/** A name that only a killed clone leaves behind; the sweep removes it. */
export const HALF_CLONE = /^\.clone\.workstation-[0-9a-f]{12}$/;

interface Wanted {
  readonly path: string;
  readonly url: string;
  readonly point: "infra-clone" | "repo-clone";
  readonly options: readonly string[];
}

export function infraClone(context: StepContext): Step {
  const { origin, branch } = context.part.infra;
  const filter = [...LOCKED_FILTER].flatMap(([key, value]) => ["--config", `${key}=${value}`]);
  const options = ["--origin", "origin", "--branch", branch, ...filter];
  return missingClones(context, "clone", [{ path: infraPath(context), url: origin, point: "infra-clone", options }]);
}

/** As the person, so that their own token opens private ones. */
export function repoClones(context: StepContext): Step {
  const repos = context.part.layout === "workspace" ? context.part.repos : [];
  const wanted = repos.map(({ name, url }) => ({
    path: `${codePath(context)}/${name}`,
    url,
    point: "repo-clone" as const,
    options: [],
  }));
  return missingClones(context, "clone", wanted);
}

function missingClones(context: StepContext, name: string, wanted: readonly Wanted[]): Step {
  const clonedUrls = new Set<string>();
  return {
    name,
    differences: () =>
      wanted.flatMap((one): Change[] => {
        const obstacle = obstacleAt(context, one.path);
        if (obstacle !== undefined) context.warn(obstacle);
        const parent = one.path.slice(0, one.path.lastIndexOf("/"));
        // A clone that failed is a warning once in this run, and the next run tries again.
        if (
          context.offline ||
          lstat(one.path) !== undefined ||
          clonedUrls.has(one.path) ||
          !lstat(parent)?.isDirectory()
        )
          return [];
        const apply = async () => {
          if (await cloneInto(context, one)) return undefined;
          clonedUrls.add(one.path);
          return "not done" as const;
        };
        return [{ point: one.point, says: says("clone", displayPath(context, one.path)), apply }];
      }),
  };
}

async function cloneInto(context: StepContext, { path, url, options }: Wanted): Promise<boolean> {
  const beside = `${path.slice(0, path.lastIndexOf("/"))}/.clone.workstation-${randomBytes(6).toString("hex")}`;
  const ran = await context.git.run(
    ["clone", "--quiet", "--no-recurse-submodules", "--template=", ...options, "--", url, beside],
    { timeoutMs: CLONE_TIMEOUT_MS, remote: true },
  );
  if (ran.code !== 0) {
    const isFetched = /^warning: Clone succeeded, but checkout failed/m.test(ran.stderr);
    const why = isFetched ? await describeFilterFailure(context, beside, ran) : describeGitFailure(ran);
    rmSync(beside, { recursive: true, force: true });
    context.warn(`${displayPath(context, path)} could not be cloned and is retried by the next run: ${why}`);
    return false;
  }
  await moveWithoutReplacing(beside, path);
  return true;
}
