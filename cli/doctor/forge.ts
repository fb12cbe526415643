/** Checks the forge: the program's account and what it may do, the repository with its branch, and the server's API. */

import { z } from "zod";
import { tokenApi } from "../../clients/forgejo/access-tokens.ts";
import { findAccount } from "../../clients/forgejo/accounts-by-id.ts";
import { type Forge, ForgeError } from "../../clients/forgejo/client.ts";
import { repoApi, serverVersion } from "../../clients/forgejo/repository.ts";
import type { StackSettings } from "../../config/settings/stack-settings.ts";
import type { Row } from "../../roster/model.ts";
import { mapConcurrently } from "../map-concurrently.ts";
import { type Check, missing, ok, type Target } from "./model.ts";

const account = z.object({ login: z.string(), is_admin: z.boolean().default(false) });
const repository = z.object({ permissions: z.object({ admin: z.boolean() }).optional() });
const LIMIT_MS = 60_000;

/**
 * @param rows of the roster, whose logins and repositories must be there
 * @throws ForgeError where the forge does not answer, or does not take the credentials
 */
export async function forgeChecks(
  forge: Forge,
  where: string,
  { owner, infra, branch }: StackSettings["devvm"]["repositories"],
  rows: readonly Row[],
): Promise<readonly Check[]> {
  const signal = AbortSignal.timeout(LIMIT_MS);
  const self = await forge.ask({ method: "GET", path: ["user"], purpose: "see who signs in" }, account, signal);
  const target: Target = { surface: "forge", where, who: self.login };
  const version = await serverVersion(forge, signal);
  return [
    ok(target, "sign-in", `by name and password, at version ${version}`),
    self.is_admin
      ? ok(target, "account", "an administrator of the forge")
      : missing(target, "account", {
          found: "no administrator of the forge",
          expected: "an administrator: only one issues and revokes other accounts' tokens",
          remedy: `make ${self.login} an administrator of the forge (Site Administration, User Accounts), or set forgejo.username to one`,
        }),
    await tokens(forge, target, signal),
    ...(await repositoryChecks(forge, target, { owner, infra, branch }, signal)),
    ...(await loginsOf(forge, target, rows, signal)),
    ...(await clonedRepositories(forge, target, owner, rows, signal)),
  ];
}

/** The program makes no account on the forge. */
async function loginsOf(
  forge: Forge,
  target: Target,
  rows: readonly Row[],
  signal: AbortSignal,
): Promise<readonly Check[]> {
  const logins = rows.flatMap(({ osUser, forgejo }) => (forgejo === undefined ? [] : [{ osUser, ...forgejo }]));
  return mapConcurrently(logins, async ({ osUser, login }) =>
    (await findAccount(forge, login, undefined, signal)) === undefined
      ? missing(target, `account ${login}`, {
          found: "there is none",
          expected: `the account that the row of ${osUser} names`,
          remedy: `make the account ${login} on the forge, or correct forgejo.login of ${osUser} in the roster`,
        })
      : ok(target, `account ${login}`, "there"),
  );
}

/** What `repos` names: a clone of a repository that is not there is tried again by every run. */
async function clonedRepositories(
  forge: Forge,
  target: Target,
  owner: string,
  rows: readonly Row[],
  signal: AbortSignal,
): Promise<readonly Check[]> {
  const names = [...new Set(rows.flatMap(({ repos }) => repos))];
  return mapConcurrently(names, async (name) => {
    const what = `repository ${owner}/${name}`;
    const request = { method: "GET", path: ["repos", owner, name], purpose: `find the ${what}` } as const;
    if ((await forge.find(request, repository, signal)) !== undefined) return ok(target, what, "there");
    const people = rows.flatMap(({ osUser, repos }) => (repos.includes(name) ? [osUser] : []));
    return missing(target, what, {
      found: "there is none, or this account may not see it",
      expected: `a repository to clone for ${people.join(", ")}`,
      remedy: `create ${owner}/${name} on the forge, or correct repos in the roster`,
    });
  });
}

/** The forge lists tokens to a password alone, as it issues them: an access token in its place is refused. */
async function tokens(forge: Forge, target: Target, signal: AbortSignal): Promise<Check> {
  try {
    await tokenApi(forge, { login: target.who }, signal).list();
    return ok(target, "tokens", "the password manages them");
  } catch (cause) {
    if (!(cause instanceof ForgeError)) throw cause;
    return missing(target, "tokens", {
      found: cause.message,
      expected: "the account's password, without a second factor: an access token cannot issue tokens",
      remedy: "pulumi config set --secret forgejoPassword",
    });
  }
}

interface Place {
  readonly owner: string;
  readonly infra: string;
  readonly branch: string;
}

async function repositoryChecks(
  forge: Forge,
  target: Target,
  { owner, infra, branch }: Place,
  signal: AbortSignal,
): Promise<readonly Check[]> {
  const name = `${owner}/${infra}`;
  const request = { method: "GET", path: ["repos", owner, infra], purpose: `find the repository ${name}` } as const;
  const found = await forge.find(request, repository, signal);
  if (found === undefined) {
    return [
      missing(target, `repository ${name}`, {
        found: "there is none, or this account may not see it",
        expected: "the repository that devvm.repositories names",
        remedy: `create ${name} on the forge, or correct devvm.repositories.owner and devvm.repositories.infra`,
      }),
    ];
  }
  const admin = found.permissions?.admin === true;
  const api = repoApi(forge, { owner, repo: infra }, signal);
  const rule = await api.effectiveRule(branch);
  return [
    admin
      ? ok(target, `repository ${name}`, "its admin")
      : missing(target, `repository ${name}`, {
          found: "the account is not its admin",
          expected: "an admin of the repository: the program protects its branch and manages its collaborators",
          remedy: `give ${target.who} the right "admin" in ${name} (Settings, Collaborators)`,
        }),
    rule === undefined
      ? missing(target, `branch ${branch}`, {
          found: `${name} has no such branch`,
          expected: "the branch that devvm.repositories.branch names",
          remedy: `push ${branch} to ${name}, or correct devvm.repositories.branch`,
        })
      : ok(target, `branch ${branch}`, "there"),
    ...(admin ? [await tagRules(forge, target, request.path, signal)] : []),
  ];
}

async function tagRules(forge: Forge, target: Target, path: readonly string[], signal: AbortSignal): Promise<Check> {
  const request = { method: "GET", path: [...path, "tag_protections"], purpose: "list the tag rules" } as const;
  if ((await forge.find(request, z.array(z.unknown()), signal)) !== undefined)
    return ok(target, "tag rules", "in its API");
  return missing(target, "tag rules", {
    found: "the server has no tag rules in its API",
    expected: "them: only admins may push tags confirm/*",
    remedy: "upgrade the forge to Gitea 1.23 or Forgejo 8, or later",
  });
}
