/**
 * Probes what an offboarded user's forge account owns beyond its right in the infra repository: the forge itself,
 * organisations, repositories, OAuth applications, GPG keys, and webhooks that nobody is recorded for.
 */

import { z } from "zod";
import type { Forge, ForgeRequest } from "../../clients/forgejo/client.ts";
import { listAll } from "../../clients/forgejo/list-all.ts";
import { counted, listed } from "../../roster/text/quote.ts";
import { type Finding, needsAction, residual } from "./model.ts";

const account = z.object({ is_admin: z.boolean().default(false) });
const organisation = z.object({ username: z.string() });
const permissions = z.object({ is_owner: z.boolean() });
const repository = z.object({ full_name: z.string(), owner: z.object({ login: z.string() }) });
const application = z.object({ id: z.int(), name: z.string() });
const gpgKey = z.object({ id: z.int() });
const hook = z.object({ id: z.int(), active: z.boolean(), config: z.object({ url: z.string().default("") }) });

/** The infra repository. */
export interface InfraPlace {
  readonly owner: string;
  readonly infra: string;
}

/** @throws ForgeError */
export async function probeOwnership(
  forge: Forge,
  login: string,
  { owner, infra }: InfraPlace,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const list = <T>(path: readonly string[], what: string, form: z.ZodType<T>, keyOf: (entry: T) => string | number) =>
    listAll(forge, { method: "GET", path, purpose: `list ${what}` }, form, keyOf, signal);
  const ask = <T>(question: Omit<ForgeRequest, "method">, form: z.ZodType<T>) =>
    forge.ask({ method: "GET", ...question }, form, signal);

  const { is_admin: isAdmin } = await ask(
    { path: ["users", login], purpose: `see whether ${login} is an admin of the forge` },
    account,
  );
  const all = await list(["users", login, "repos"], `the repositories of ${login}`, repository, (one) => one.full_name);
  const repositories = all.filter((one) => one.owner.login.toLowerCase() === login.toLowerCase());
  const organisations: string[] = [];
  for (const { username } of await list(
    ["users", login, "orgs"],
    `the organisations of ${login}`,
    organisation,
    (o) => o.username,
  )) {
    const path = ["users", login, "orgs", username, "permissions"];
    const { is_owner: isOwner } = await ask({ path, purpose: `see what ${login} may in ${username}` }, permissions);
    if (isOwner) organisations.push(username);
  }
  // The forge lists applications to their owner alone; its admins may ask in that name.
  const asOwner: ForgeRequest = {
    ...{ method: "GET", path: ["user", "applications", "oauth2"], query: { sudo: login } },
    purpose: `list the OAuth applications of ${login}`,
  };
  const applications = await listAll(forge, asOwner, application, ({ id }) => id, signal);
  const gpgKeys = await list(["users", login, "gpg_keys"], `the GPG keys of ${login}`, gpgKey, ({ id }) => id);
  const hooks = await list(["repos", owner, infra, "hooks"], `the webhooks of ${owner}/${infra}`, hook, ({ id }) => id);

  const isTheirs = (name: string) => name.toLowerCase() === owner.toLowerCase();
  const others = organisations.filter((name) => !isTheirs(name));
  const receivers = hooks.filter(({ active }) => active).map(({ config }) => hostOf(config.url));
  return [
    ...(isAdmin
      ? [
          needsAction(
            "forge",
            `${login} is an admin of the forge and may do everything there`,
            "take that from the account in the forge's administration",
          ),
        ]
      : []),
    ...(organisations.some(isTheirs)
      ? [
          needsAction(
            "forge",
            `${login} is an owner of ${owner}, the organisation of the infra repository`,
            `remove the account from the team Owners of ${owner}`,
          ),
        ]
      : []),
    ...(others.length > 0
      ? [residual("forge", `${login} is an owner of ${listed(others)}, organisations with everything in them`, ENDED)]
      : []),
    ...(repositories.length > 0
      ? [
          residual(
            "forge",
            `${login} owns ${counted(repositories.length, "repository", "repositories")}: ${shown(repositories.map((one) => one.full_name))}`,
            `${ENDED}, or transfers what is needed`,
          ),
        ]
      : []),
    ...(applications.length > 0
      ? [
          residual(
            "forge",
            `${login} registered the OAuth applications ${shown(applications.map(({ name }) => name))} and knows their secrets`,
            `${ENDED}, or deletes them`,
          ),
        ]
      : []),
    ...(gpgKeys.length > 0
      ? [
          residual(
            "forge",
            `${counted(gpgKeys.length, "GPG key", "GPG keys")} of their own: the forge shows what is signed with one as verified`,
            ENDED,
          ),
        ]
      : []),
    ...(receivers.length > 0
      ? [
          residual(
            "forge",
            `webhooks of ${owner}/${infra} report to ${shown([...new Set(receivers)])}, and the forge records nobody for them`,
            "check whether it belongs to them, and remove it",
          ),
        ]
      : []),
  ];
}

const ENDED = "an admin of the forge ends the account";

/** The rest of such an address is often a secret. */
const hostOf = (url: string): string => (URL.canParse(url) ? new URL(url).host : "an address of another form");

const shown = (names: readonly string[]): string =>
  names.length <= SHOWN ? listed(names) : `${names.slice(0, SHOWN).join(", ")} and ${names.length - SHOWN} more`;
const SHOWN = 5;
