/**
 * Derives rows of a roster from what was read of a stack. A person's names are never derived from each other: a name
 * that is not written down somewhere is a guess and marked as one, and where two guesses are possible there is none.
 * Pure.
 */

import { AUTHENTIK_USER, OS_USER } from "../../roster/schema/patterns.ts";
import type { Account, HomeState, HostState } from "./read-host.ts";
import { rowOf } from "./derive-one-row.ts";
import type { ClusterState, MapEntry, Member } from "./read-services.ts";

export interface Observed {
  readonly hosts: readonly HostState[];
  /** By host and OS user: `devvm/anca`. */
  readonly homes: ReadonlyMap<string, HomeState>;
  readonly userMap: ReadonlyMap<string, MapEntry>;
  readonly cluster?: ClusterState;
  readonly members: readonly Member[];
  /** Owner and infra repository on the forge: whose clones are the roster's. */
  readonly owner: string;
  readonly infra: string;
}

export type Value = string | boolean | readonly string[] | Readonly<Record<string, string | boolean>>;

/** One line of a row; `why` says where it comes from, where that is not certain. */
export interface Field {
  readonly key: string;
  readonly value: Value;
  readonly why?: string;
}

export interface Guessed {
  readonly osUser: string;
  readonly host: string;
  readonly uid: number;
  readonly ports: { readonly t3?: number; readonly browser?: number };
  readonly fields: readonly Field[];
}

export interface People {
  readonly rows: readonly Guessed[];
  /** Whom no row fits: left alone. */
  readonly strangers: readonly string[];
  /** What the operator has to settle; whoever it concerns has no row. */
  readonly open: readonly string[];
}

/** Somebody with an account, and what signs in as them. */
export interface Candidate {
  readonly account: Account;
  readonly host: HostState;
  readonly authentikUser: string;
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
  open.push(...seen.hosts.filter(({ isManaged }) => isManaged).map(({ host }) => workedBefore(host)));
  const clashes = taken(rows);
  open.push(...clashes.map(({ why }) => why));
  const kept = rows.filter(({ osUser }) => !clashes.some(({ who }) => who.includes(osUser)));
  return { rows: kept, strangers: [...strangers, ...unplaced(seen, kept)], open: [...new Set(open)] };
}

/** Whoever left is in no map, and their numbers must never be given to anybody. */
const workedBefore = (host: string) =>
  `${host}: this program has managed this host before, and an import does not see offboarded users; start from the ledger that the ` +
  "host itself keeps (/var/lib/workstation/ledger.json)";

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
  const known = new Set(accounts.map(({ name }) => name));
  return [
    ...[...terminalMap]
      .filter(([, osUser]) => !known.has(osUser))
      .map(([who, osUser]) => `${host}: the terminal map's line ${who}=${osUser} leads to no account; it will be gone`),
    ...[...dispatch]
      .filter(([, { osUser }]) => !known.has(osUser))
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

/** Names that the services have and no row. */
function unplaced({ userMap, cluster, members }: Observed, rows: readonly Guessed[]): readonly string[] {
  const has = (key: string) =>
    new Set(rows.flatMap(({ fields }) => fields.filter((f) => f.key === key).map((f) => f.value)));
  const users = has("k8s_user");
  const mails = new Set(
    [...users]
      .map((user) => userMap.get(String(user))?.email)
      .concat([...has("email")].map(String))
      .map((m) => m?.toLowerCase()),
  );
  const logins = new Set([...has("forgejo")].map((value) => (value as Record<string, string>).login));
  return [
    ...[...userMap.keys()].filter((user) => !users.has(user)).map((user) => `the user map's ${user} has no row`),
    ...(cluster?.grants ?? [])
      .filter(({ email }) => !mails.has(email.toLowerCase()))
      .map(
        ({ email, role, namespace, binding }) =>
          `the cluster: ${binding} gives ${role} ${namespace === undefined ? "everywhere" : `in ${namespace}`} to ${email}, who has no row`,
      ),
    ...members
      .filter(({ login }) => !logins.has(login))
      .map(({ login, collaborates, pushes }) => {
        const what = [
          ...(collaborates ? ["collaborates"] : []),
          ...(pushes ? ["may push to the protected branch"] : []),
        ];
        return `the forge: ${login} ${what.join(" and ")}, and has no row`;
      }),
  ];
}
