/**
 * Probes the forge for one offboarded user: their right in the infra repository, the branch's lists, tokens, and keys.
 * Their account is known by its id where a deployment recorded one.
 */

import { z } from "zod";
import { type Account, findAccount, hasLogin } from "../../clients/forgejo/accounts-by-id.ts";
import type { Forge } from "../../clients/forgejo/client.ts";
import { listAll } from "../../clients/forgejo/list-all.ts";
import { repoApi } from "../../clients/forgejo/repository.ts";
import { tokenApi } from "../../clients/forgejo/access-tokens.ts";
import type { StackSettings } from "../../config/settings/stack-settings.ts";
import { probeOwnership } from "./forge-ownership.ts";
import { folded } from "../../roster/text/code-unit-order.ts";
import { revoked, type Finding, needsAction, notProbed, type OffboardedUser, residual } from "./model.ts";
import type { RecordedAccounts } from "./recorded-accounts.ts";

const LIMIT_MS = 60_000;
const key = z.object({ id: z.int(), title: z.string() });
/** Every token of this program, of whatever stack, is called so. */
const OURS = /^workstation-.+-\d+$/;
const DEPLOY = "start the schedule `daily`, or run `pulumi up --refresh`: that removes it";

/**
 * Probes the account of each login that was ever theirs, an account of several logins once.
 * @param recorded ids that deployments recorded; a login without one leads to the account that has it today
 * @throws ForgeError
 */
export async function probeForge(
  forge: Forge,
  settings: StackSettings,
  { forgejoLogins, forgejoHolders }: OffboardedUser,
  recorded: RecordedAccounts = new Map(),
): Promise<readonly Finding[]> {
  if (forgejoLogins.length === 0) return [revoked("forge", "they had no login there from this program")];
  const wanted = forgejoLogins.flatMap((login): readonly Wanted[] => {
    const ids = recorded.get(folded(login)) ?? [];
    return ids.length === 0 ? [{ login }] : ids.map((id) => ({ login, id }));
  });
  const signal = AbortSignal.timeout(LIMIT_MS * wanted.length);
  const bySentence = new Map<string, Finding>();
  const seen = new Set<number>();
  // Those with an id first: an account that they prove to be theirs needs no other proof.
  for (const one of [...wanted.filter(({ id }) => id !== undefined), ...wanted.filter(({ id }) => id === undefined)]) {
    const account = await findAccount(forge, one.login, one.id, signal);
    if (account !== undefined && seen.has(account.id)) continue;
    if (account !== undefined) seen.add(account.id);
    const holder = account === undefined ? undefined : forgejoHolders?.get(folded(account.login));
    const found =
      account === undefined
        ? [revoked("forge", `it has no account ${nameOf(one)} any more`)]
        : holder !== undefined
          ? [revoked("forge", `${nameOf(account)} is ${holder}'s account today, and what it may do is theirs`)]
          : [
              ...(await probeAccount(forge, settings, account, one.login, signal)),
              ...(one.id === undefined ? [unidentified(one.login, account)] : []),
            ];
    // What is the repository's own is found with every account.
    for (const finding of found) bySentence.set(finding.says, finding);
  }
  return [...bySentence.values()];
}

/** A login that was theirs, and the id of the account that it led to. */
interface Wanted {
  readonly login: string;
  readonly id?: number;
}

const nameOf = ({ login, id }: Wanted): string => (id === undefined ? login : `${login} (id ${id})`);

const unidentified = (login: string, account: Account): Finding => ({
  ...notProbed(
    "forge",
    `no deployment recorded the id of their account ${login}, so ${nameOf(account)} may be another user's, and theirs may have another login`,
  ),
  todo: `compare ${nameOf(account)} with their account in the forge's administration`,
});

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
  const onList = listed.some((name) => folded(name) === folded(login));
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
