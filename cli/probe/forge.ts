/**
 * Probes the forge for one offboarded user: their right in the infra repository, the branch's lists, tokens, and keys.
 */

import { z } from "zod";
import { type Account, findAccount, hasLogin } from "../../clients/forgejo/accounts-by-id.ts";
import type { Forge } from "../../clients/forgejo/client.ts";
import { listAll } from "../../clients/forgejo/list-all.ts";
import { repoApi } from "../../clients/forgejo/repository.ts";
import { tokenApi } from "../../clients/forgejo/access-tokens.ts";
import type { StackSettings } from "../../config/settings/stack-settings.ts";
import { probeOwnership } from "./forge-ownership.ts";
import { revoked, type Finding, needsAction, type OffboardedUser, residual } from "./model.ts";

const LIMIT_MS = 60_000;
const key = z.object({ id: z.int(), title: z.string() });
/** Every token of this program, of whatever stack, is called so. */
const OURS = /^workstation-.+-\d+$/;
const DEPLOY = "start the schedule `daily`, or run `pulumi up --refresh`: that removes it";

/**
 * Probes the account of each login that was ever theirs, an account of several logins once.
 * @throws ForgeError
 */
export async function probeForge(
  forge: Forge,
  settings: StackSettings,
  { forgejoLogins }: OffboardedUser,
): Promise<readonly Finding[]> {
  if (forgejoLogins.length === 0) return [revoked("forge", "they had no login there from this program")];
  const signal = AbortSignal.timeout(LIMIT_MS * forgejoLogins.length);
  const bySentence = new Map<string, Finding>();
  const seen = new Set<number>();
  for (const login of forgejoLogins) {
    const account = await findAccount(forge, login, undefined, signal);
    if (account !== undefined && seen.has(account.id)) continue;
    if (account !== undefined) seen.add(account.id);
    const found =
      account === undefined
        ? [revoked("forge", `it has no account ${login} any more`)]
        : await probeAccount(forge, settings, account, login, signal);
    // What is the repository's own is found with every account.
    for (const finding of found) bySentence.set(finding.says, finding);
  }
  return [...bySentence.values()];
}

/** @param known the login by which the account was theirs */
async function probeAccount(
  forge: Forge,
  settings: StackSettings,
  account: Account,
  known: string,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const { owner, infra, branch } = settings.devvm.repositories;
  const { login } = account;
  const api = repoApi(forge, { owner, repo: infra }, signal);
  const repository = `${owner}/${infra}`;
  const [isIn, may, rule, tokens, deployKeys] = await Promise.all([
    api.isCollaborator(login),
    api.permissionOf(login),
    api.protection(branch),
    tokenApi(forge, account, signal).list(),
    api.deployKeys(),
  ]);
  const listed = [...(rule?.push_whitelist_usernames ?? []), ...(rule?.merge_whitelist_usernames ?? [])];
  const onList = listed.some((name) => name.toLowerCase() === login.toLowerCase());
  const ours = (tokens ?? []).filter(({ name }) => OURS.test(name));
  const own = (tokens ?? []).length - ours.length;
  const writable = deployKeys.filter((deployKey) => !deployKey.read_only).map(({ title }) => title);
  const keys = await sshKeys(forge, login, signal);
  const owned = await probeOwnership(forge, login, { owner, infra }, signal);
  const canWrite = !["none", "read"].includes(may);
  const renamed = hasLogin(account, known)
    ? []
    : [
        revoked(
          "forge",
          `${known} was renamed to ${login} by its owner (id ${account.id}), and is looked at under that name`,
        ),
      ];
  return [
    ...renamed,
    isIn
      ? needsAction("forge", `${login} is a collaborator of ${repository}`, DEPLOY)
      : revoked("forge", `${login} is no collaborator of ${repository}`),
    onList
      ? needsAction("forge", `${login} is on the list of ${branch}`, DEPLOY)
      : revoked("forge", `${login} is on no list of ${branch}`),
    ...(canWrite && !isIn
      ? [
          needsAction(
            "forge",
            `${login} still has the right "${may}" in ${repository}`,
            "as an owner, an admin of the forge or through a team: take that away there",
          ),
        ]
      : []),
    ours.length === 0
      ? revoked("forge", "the token that this program issued is revoked")
      : needsAction("forge", `${ours.length} tokens of this program's are valid`, DEPLOY),
    ...(own + keys.length > 0 && !canWrite
      ? [
          residual(
            "forge",
            `${own} tokens and ${keys.length} SSH keys of their own open only what the account may: ${may} in ${repository}`,
            "an admin of the forge ends the account",
          ),
        ]
      : []),
    ...(writable.length > 0
      ? [
          residual(
            "forge",
            `deploy keys of ${repository} can write, and anybody may hold them: ${writable.join(", ")}`,
            "check whether it belongs to them, and remove it",
          ),
        ]
      : []),
    ...owned,
  ];
}

const sshKeys = (forge: Forge, login: string, signal: AbortSignal) =>
  listAll(
    forge,
    { method: "GET", path: ["users", login, "keys"], purpose: `list the SSH keys of ${login}` },
    key,
    ({ id }) => id,
    signal,
  );
