/** Lists the open pull requests for the deploying branch that the runner previews. */

import { z } from "zod";
import { openForge } from "../../clients/forgejo/client.ts";
import { listAll } from "../../clients/forgejo/list-all.ts";
import { listingSignal } from "../forge-repository.ts";

export interface PullRequest {
  readonly number: number;
  /** Head commit of its branch. */
  readonly commit: string;
}

const form = z.object({
  number: z.int().positive(),
  base: z.object({ ref: z.string() }),
  head: z.object({ sha: z.string().regex(/^[0-9a-f]{40,64}$/) }),
});

export interface PullRequestSource {
  readonly forge: string;
  readonly owner: string;
  readonly repository: string;
  readonly branch: string;
  readonly account: string;
  readonly token: string;
}

/** Newest first. @throws ForgeError when the listing cannot be read as a whole */
export async function openPullRequests(source: PullRequestSource): Promise<readonly PullRequest[]> {
  const { owner, repository, branch, account } = source;
  const forge = openForge({
    ...{ url: source.forge, username: account, password: source.token, timeoutMs: 20_000, pauseMs: 500 },
  });
  const question = {
    method: "GET" as const,
    path: ["repos", owner, repository, "pulls"],
    query: { state: "open" },
    purpose: `list the pull requests of ${owner}/${repository}`,
  };
  const found = await listAll(forge, question, form, ({ number }) => number, listingSignal());
  return found
    .filter(({ base }) => base.ref === branch)
    .map(({ number, head }) => ({ number, commit: head.sha }))
    .sort((a, b) => b.number - a.number);
}
