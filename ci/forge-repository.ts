/** Opens the repository on the forge for a step, by a token of one account with the least rights that the step needs. */

import { type Forge, openForge } from "../clients/forgejo/client.ts";
import { requiredVariable } from "./environment.ts";

export interface Repository {
  readonly forge: Forge;
  /** Segments of a path below the repository. */
  at(...rest: readonly string[]): readonly string[];
  readonly full: string;
  /** Whoever the token belongs to. */
  readonly login: string;
}

/** @throws StepError where the step was not told which repository, or as whom */
export function openRepository(): Repository {
  const owner = requiredVariable("CI_REPO_OWNER");
  const repo = requiredVariable("CI_REPO_NAME");
  const login = requiredVariable("WS_FORGE_USER");
  const forge = openForge({
    url: requiredVariable("CI_FORGE_URL"),
    username: login,
    // A token stands where a password does; it has no more rights than its scopes.
    password: requiredVariable("WS_FORGE_TOKEN"),
    timeoutMs: 20_000,
    pauseMs: 500,
  });
  return { forge, login, full: `${owner}/${repo}`, at: (...rest) => ["repos", owner, repo, ...rest] };
}

/** One exchange is bounded by itself; a whole listing by this. */
export const listingSignal = (): AbortSignal => AbortSignal.timeout(120_000);
