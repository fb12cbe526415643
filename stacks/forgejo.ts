/**
 * Declares the infra repository on the forge: its people, its protected branch, and the tokens that their clones use.
 */

import * as pulumi from "@pulumi/pulumi";
import { InfraRepository } from "../components/forgejo/infra-repository.ts";
import { type BranchReference, ForgeConnection } from "../components/forgejo/resources.ts";
import { type RepositoryAudit, unmanagedAccess } from "../components/forgejo/unmanaged-access.ts";
import { type ForgejoAccess, forgejoAccess } from "../roster/forge-access.ts";
import type { Desired, ForgejoLogin, OsUser } from "../roster/model.ts";
import { caOf } from "../config/ca-certificate.ts";
import type { ForgejoSettings } from "../config/settings/forgejo.ts";

/** Where the repository is; `devvm.repositories` of the settings. */
export interface ForgeTarget {
  /** Address of the forge as people reach it. */
  readonly forgejo: string;
  readonly owner: string;
  readonly infra: string;
  readonly branch: string;
}

export interface DeployedForge {
  /** What belongs in each person's `~/.git-credentials`; the token is secret. */
  readonly credentials: ReadonlyMap<OsUser, { readonly login: ForgejoLogin; readonly token: pulumi.Output<string> }>;
  /** What takes people's access away: done before a host, which may be down, is waited for. */
  readonly cuts: readonly pulumi.Resource[];
  /** Sentences about access that this program did not give and leaves alone. */
  readonly strangers: readonly string[];
}

/**
 * @param password of the administrator that the settings name
 * @throws Error when the forge cannot be read as a whole: nothing is concluded from a part of it
 */
export async function deployForgejo(
  settings: ForgejoSettings,
  password: string,
  target: ForgeTarget,
  desired: Desired,
): Promise<DeployedForge> {
  const { username, deployKeys, tokens } = settings;
  const forge = new ForgeConnection("forge", {
    url: settings.url ?? target.forgejo,
    username,
    password,
    ...caOf(settings, ".", "forgejo"),
  });
  const access = forgejoAccess(desired);
  const tokenHolders = new Map(
    [...desired.people.values()].flatMap(({ osUser, uid, forgejo }) =>
      forgejo === undefined ? [] : [[osUser, { login: forgejo.login, uid }] as const],
    ),
  );
  const branch: BranchReference = { owner: target.owner, repo: target.infra, branch: target.branch };
  // Before anything is declared: a list that this very run is adding to comes in pages that contradict each other.
  const strangers = await report(forge, branch, access);
  const repository = new InfraRepository(
    "infra",
    {
      branch,
      deployKeys,
      confirmations: CONFIRMATIONS,
      access,
      tokenHolders,
      tokens: { ...tokens, name: `workstation-${pulumi.getStack()}` },
    },
    { providers: [forge] },
  );
  const credentials = [...tokenHolders].flatMap(([who, { login }]) => {
    const token = repository.tokens.get(who);
    return token === undefined ? [] : [[who, { login, token }] as const];
  });
  return { credentials: new Map(credentials), cuts: repository.cuts, strangers };
}

/** Tags `confirm/<commit>`: the deployment takes one for an admin's confirmation of that commit. */
const CONFIRMATIONS = "confirm/*";

/** Read before the changes of this run, so that a preview shows it too. */
async function report(forge: ForgeConnection, branch: BranchReference, access: ForgejoAccess) {
  const logins = [...access.whitelist, ...access.collaborators, ...access.former];
  const audit: RepositoryAudit = await pulumi.runtime.invoke(
    "forgejo:index:auditRepository",
    { ...branch, known: logins },
    { provider: forge },
  );
  const strangers = unmanagedAccess(audit, access, branch.branch);
  for (const sentence of strangers)
    await pulumi.log.warn(`${branch.owner}/${branch.repo}: ${sentence}; it is left alone`);
  if (access.whitelist.length === 0) {
    await pulumi.log.warn(
      `${branch.owner}/${branch.repo}: nobody on the roster could push to or merge into ${branch.branch}`,
    );
  }
  return strangers;
}
