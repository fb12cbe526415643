/** Checks out one commit beside the program that runs, and installs its packages without running any of their scripts. */

import { resolve } from "node:path";
import { PROJECT } from "../cli/pulumi.ts";
import { StepError, withoutSecrets } from "./environment.ts";
import { type Ran, run } from "./run.ts";

const INSTALL_LIMIT_MS = 10 * 60_000;

/**
 * @param commit a full hash that is authorized to run
 * @param folder where to, relative to the program's own checkout; must not exist
 * @returns the absolute path of the checkout
 * @throws StepError where git or npm fails
 */
export async function checkOut(commit: string, folder: string): Promise<string> {
  const path = resolve(PROJECT, folder);
  // No hook and no filter of anybody's configuration, and no credential for what the tree itself could name.
  const env = { ...withoutSecrets(), GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_SYSTEM: "/dev/null" };
  must(
    await run(["git", "-c", "core.hooksPath=/dev/null", "worktree", "add", "--quiet", "--detach", path, commit], {
      cwd: PROJECT,
      env,
    }),
    `git cannot check out ${commit}`,
  );
  must(
    await run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], {
      cwd: path,
      env,
      timeoutMs: INSTALL_LIMIT_MS,
    }),
    `the packages of ${commit} cannot be installed`,
  );
  return path;
}

function must({ code, stderr }: Ran, failure: string): void {
  if (code !== 0) throw new StepError(`${failure}: ${stderr.trim().split("\n").at(-1) ?? "no reason given"}`);
}
