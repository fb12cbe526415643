/**
 * Derives rows of a roster from what was read of a stack. A person's names are never derived from each other: a name
 * that is not written down somewhere is a guess and marked as one, and where two guesses are possible there is none.
 * Pure.
 */

import type { Person } from "../../roster/model.ts";
import { AUTHENTIK_USER, OS_USER } from "../../roster/schema/patterns.ts";
import type { Account, HostState } from "./read-host.ts";
import type { Candidate, Field, Guessed, Observed } from "./observed-people.ts";
import { rowOf } from "./derive-one-row.ts";

export interface People {
  readonly rows: readonly Guessed[];
  /** Accounts and lines of maps that no row fits: left alone. */
  readonly strangers: readonly string[];
  /** What the operator has to settle; whoever it concerns has no row. */
  readonly open: readonly string[];
}

export function guessPeople(seen: Observed): People {
  const open: string[] = [];
  const strangers: string[] = [];
  const candidates = seen.hosts.flatMap((host) =>
    host.accounts.flatMap((account): Candidate[] => {
      const found = identityOf(account, host);
      if ("stranger" in found) strangers.push(found.stranger);
      else if ("open" in found) open.push(found.open);
      else return [{ account, host, ...found }];
      return [];
    }),
  );
  strangers.push(...seen.hosts.flatMap(strayLines));
  const rows = candidates.flatMap((candidate): Guessed[] => {
    const twice = candidates.filter(({ account }) => account.name === candidate.account.name);
    if (twice.length > 1) {
      open.push(
        `${candidate.account.name}: works on ${twice.map(({ host }) => host.host).join(" and ")}; a row has one host`,
      );
      return [];
    }
    const row = rowOf(candidate, seen);
    if (row.open.length === 0) return [row];
    open.push(...row.open.map((why) => `${candidate.account.name}: ${why}`));
    return [];
  });
  const clashes = taken(rows);
  open.push(...clashes.map(({ why }) => why));
  const kept = rows.filter(({ osUser }) => !clashes.some(({ who }) => who.includes(osUser)));
  return { rows: kept.map(withLogins(seen, kept)), strangers, open: [...new Set(open)] };
}

/** A row without a login on the forge shows those that have no row: one of them may be theirs. */
function withLogins({ members }: Observed, rows: readonly Guessed[]): (row: Guessed) => Guessed {
  const logins = loginsOf(rows);
  const free = members.filter(({ login }) => !logins.has(login.toLowerCase()));
  const more = free.length > SHOWN_LOGINS ? `; ${free.length - SHOWN_LOGINS} more without a row are in report.txt` : "";
  const suggestions = free.slice(0, SHOWN_LOGINS).map(({ login, pushes }): Field => {
    const loses = pushes ? ", and the first deployment takes the push right of such a login" : "";
    const why = `if this login is theirs: no row has it${loses}${more}`;
    return { key: "forgejo", value: { login, ...(pushes ? { push: true } : {}) }, why };
  });
  const isComplete = ({ fields }: Guessed) => suggestions.length === 0 || fields.some(({ key }) => key === "forgejo");
  return (row) => (isComplete(row) ? row : { ...row, suggestions });
}

const SHOWN_LOGINS = 3;

const loginsOf = (rows: readonly Guessed[]): ReadonlySet<string> =>
  new Set(
    rows.flatMap(({ fields }) =>
      fields.flatMap(({ key, value }) =>
        key === "forgejo" ? [((value as Record<string, string>).login ?? "").toLowerCase()] : [],
      ),
    ),
  );

/** For a stack without a ledger: whoever left is in no map, and their numbers must never be given to anybody. */
export const managedBefore = ({ hosts }: Observed): readonly string[] =>
  hosts
    .filter(({ isManaged }) => isManaged)
    .map(
      ({ host }) =>
        `${host}: this program has managed this host before, and an import does not see offboarded users; start from ` +
        "the ledgers that the hosts themselves keep: ./ws ledger rebuild",
    );

type Identity = { readonly stranger: string } | { readonly open: string } | { readonly authentikUser: string };

/** The maps say who signs in as whom; an account that they do not name is nobody's working place. */
function identityOf({ name, uid, unfit }: Account, { host, terminalMap, dispatch }: HostState): Identity {
  const names = new Set([
    ...[...terminalMap].filter(([, osUser]) => osUser === name).map(([who]) => who),
    ...[...dispatch].filter(([, { osUser }]) => osUser === name).map(([who]) => who),
  ]);
  const [first, ...more] = names;
  if (first === undefined)
    return { stranger: `${host}: the account ${name} (uid ${uid}) is in no map, so nobody signs in as it` };
  if (unfit !== undefined) return { open: `${name}: is in ${host}'s maps, but ${unfit}` };
  if (more.length > 0) return { open: `${name}: ${[...names].join(" and ")} sign in as them on ${host}` };
  if (!OS_USER.pattern.test(name)) return { open: `${name}: is not a valid name for a row; ${OS_USER.right}` };
  if (!AUTHENTIK_USER.pattern.test(first))
    return { open: `${name}: "${first}" is no sign-in; ${AUTHENTIK_USER.right}` };
  return { authentikUser: first };
}

/** Lines of the maps that lead to no account of a person. */
function strayLines({ host, accounts, terminalMap, dispatch }: HostState): readonly string[] {
  const listed = new Set(accounts.map(({ name }) => name));
  return [
    ...[...terminalMap]
      .filter(([, osUser]) => !listed.has(osUser))
      .map(([who, osUser]) => `${host}: the terminal map's line ${who}=${osUser} leads to no account; it will be gone`),
    ...[...dispatch]
      .filter(([, { osUser }]) => !listed.has(osUser))
      .map(
        ([who, { osUser }]) =>
          `${host}: the dispatch table's ${who} leads to ${osUser}, who has no account; it will be gone`,
      ),
  ];
}

/** A name or a number that two rows would share is nobody's until somebody says whose it is. */
function taken(rows: readonly Guessed[]): readonly { readonly who: readonly string[]; readonly why: string }[] {
  const claims = new Map<string, string[]>();
  const claim = (what: string, who: string) => claims.set(what, [...(claims.get(what) ?? []), who]);
  for (const { osUser, uid, ports, fields } of rows) {
    claim(`uid ${uid}`, osUser);
    for (const port of Object.values(ports)) claim(`port ${port}`, osUser);
    for (const { key, value } of fields) {
      if (key === "k8s_user" || key === "authentik_user") claim(`${key} ${String(value).toLowerCase()}`, osUser);
      if (key === "namespaces")
        for (const namespace of value as readonly string[]) claim(`namespace ${namespace}`, osUser);
      if (key === "forgejo") claim(`forge login ${(value as Record<string, string>).login?.toLowerCase()}`, osUser);
    }
  }
  return [...claims]
    .filter(([, who]) => new Set(who).size > 1)
    .map(([what, who]) => ({ who, why: `${[...new Set(who)].join(" and ")}: both seem to have ${what}` }));
}

/** What rows hold of the names that services know people by, in lower case but for the first. */
export interface Held {
  readonly k8sUsers: ReadonlySet<string>;
  readonly emails: ReadonlySet<string>;
  readonly logins: ReadonlySet<string>;
}

/** Names that the services have and no row. */
export function unplaced(
  { userMap, cluster, members }: Observed,
  { k8sUsers, emails, logins }: Held,
): readonly string[] {
  return [
    ...[...userMap.keys()].filter((user) => !k8sUsers.has(user)).map((user) => `the user map's ${user} has no row`),
    ...(cluster?.grants ?? [])
      .filter(({ email }) => !emails.has(email.toLowerCase()))
      .map(
        ({ email, role, namespace, binding }) =>
          `the cluster: ${binding} gives ${role} ${namespace === undefined ? "everywhere" : `in ${namespace}`} to ${email}, who has no row`,
      ),
    ...members
      .filter(({ login }) => !logins.has(login.toLowerCase()))
      .map(({ login, collaborates, pushes }) => {
        const what = [
          ...(collaborates ? ["collaborates"] : []),
          ...(pushes ? ["may push to the protected branch"] : []),
        ];
        return `the forge: ${login} ${what.join(" and ")}, and has no row`;
      }),
  ];
}

/** @param people of the roster that was written or provided, as the program derives them */
export function heldBy(people: readonly Person[], userMap: Observed["userMap"]): Held {
  const emails = people.flatMap(({ email, k8sUser }) => [email, userMap.get(k8sUser)?.email]);
  return {
    k8sUsers: new Set(people.map(({ k8sUser }) => k8sUser)),
    emails: new Set(emails.flatMap((email) => (email === undefined ? [] : [email.toLowerCase()]))),
    logins: new Set(people.flatMap(({ forgejo }) => (forgejo === undefined ? [] : [forgejo.login.toLowerCase()]))),
  };
}
